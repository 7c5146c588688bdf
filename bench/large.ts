/** Calls of any size, on data that this library and native/losses.c draw alike. */
import type { createEngine } from '../src/index.ts';

type Engine = ReturnType<typeof createEngine>;

/** A call of so many values. */
export interface Large {
  readonly operation: 'crossEntropy' | 'componentCrossEntropy' | 'bceWithLogits' | 'mse';
  readonly shape: readonly number[];
}

export const nameOf = ({ operation, shape }: Large): string => `${operation} [${shape.join(', ')}]`;
export const sizeOf = ({ shape }: Large): number => shape.reduce((size, extent) => size * extent, 1);

/** Losses of classes take indices; the others a target for each value. */
const hasClasses = ({ operation }: Large): boolean => /CrossEntropy|crossEntropy/.test(operation);

/** How many classes there are and how far apart they lie, as losses.c takes them; 0 and 0 for other losses. */
export function geometryOf(call: Large): readonly [classes: number, inner: number] {
  const [, classes = 1, ...rest] = call.shape;
  return hasClasses(call) ? [classes, rest.reduce((size, extent) => size * extent, 1)] : [0, 0];
}

const SEED = 1;

/** The command that has losses.c draw the same data. Cross entropy stands for losses of components, which losses.c lacks. */
export const commandOf = (call: Large): string =>
  `draw ${call.operation === 'componentCrossEntropy' ? 'crossEntropy' : call.operation} ${sizeOf(call)} ${SEED} ${geometryOf(call).join(' ')}`;

const { fround, imul } = Math;

/** What losses.c draws, each number made of one on [−1, 1). */
function draw(data: Float32Array | Int32Array, first: number, of: (unit: number) => number): void {
  let seed = first;
  for (let i = 0; i < data.length; i++) {
    seed = (imul(seed, 1664525) + 1013904223) | 0;
    data[i] = of(fround(fround((seed >>> 8) / 8388608) - 1));
  }
}

/** A prepared step of a call on tensors of an engine, which hold the data. */
export function stepOf(engine: Engine, call: Large): () => number {
  const { operation, shape } = call;
  const [classes] = geometryOf(call);
  const input = engine.tensor(shape);
  const out = engine.tensor(shape);
  draw(input.data, SEED, (unit) => fround(unit * 4));
  if (operation === 'mse' || operation === 'bceWithLogits') {
    const target = engine.tensor(shape);
    draw(target.data, SEED + 1, (unit) => fround(fround(unit + 1) * 0.5));
    return engine[operation].prepare(input, target, { out }) as () => number;
  }
  const target = engine.tensor([shape[0]!, ...shape.slice(2)], 'int32');
  const width = fround(classes * fround(0.999));
  draw(target.data, SEED + 1, (unit) => fround(fround(fround(unit + 1) * 0.5) * width));
  if (operation === 'crossEntropy') return engine.crossEntropy.prepare(input, target, { out }) as () => number;
  const components = [
    Array.from({ length: classes }, (_, c) => c >> 1),
    Array.from({ length: classes }, (_, c) => c & 1),
  ];
  return engine.componentCrossEntropy.prepare(input, target, { components, out }) as () => number;
}
