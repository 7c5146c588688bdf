/** Problems as their rows of numbers say them. */
import type { FormName } from '../library.ts';
import * as property from '../property.ts';
import { lossShapeOf, type Problem, type ReferenceOptions, references, tensor64 } from '../reference/index.ts';

/** What masks a class. */
export const masked = Number.NEGATIVE_INFINITY;

export const problem = (input: number[][], target: number[] | number[][], options: ReferenceOptions = {}): Problem => ({
  inputs: {
    input: tensor64(input.flat(), [input.length, input[0]!.length]),
    target: Array.isArray(target[0])
      ? tensor64(target.flat(), [input.length, input[0]!.length])
      : tensor64(target as number[]),
  },
  options,
});

/** All forms; the incoming gradient of 'none' is 1 where nothing else is said. */
export function expectReference(op: FormName, each: Problem, units: number): void {
  const { reduction, gradOutput } = each.options;
  const shape = lossShapeOf(references[op], each);
  const ones = tensor64(new Float64Array(shape.reduce((n, d) => n * d, 1)).fill(1), shape);
  const given = reduction === 'none' && gradOutput === undefined ? { gradOutput: ones } : {};
  property.expectReference(op, property.withOptions(each, given), units);
}

/** The same samples as columns: a class axis in front, where they go through tiles. */
export function columns({ inputs: { input, target }, options }: Problem): Problem {
  const [rows = 0, classes = 0] = input.shape;
  const turned = Float64Array.from(input.data, (_, i) => input.data[(i % rows) * classes + Math.floor(i / rows)]!);
  if (target === undefined || 'indices' in target) throw new Error('no target to turn');
  return {
    inputs: {
      input: { data: turned, shape: [1, classes, rows] },
      target: { data: target.data, shape: [1, rows] },
    },
    options: {
      ...options,
      ...(options.sampleWeight && { sampleWeight: tensor64(options.sampleWeight.data, [1, rows]) }),
    },
  };
}
