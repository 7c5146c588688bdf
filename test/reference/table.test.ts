/** What the table says of each loss, so that tests that run over it may rely on it. */
import { describe, expect, it } from 'vitest';
import {
  errorBounds,
  isSparse,
  lossEntries,
  lossShapeOf,
  optionNames,
  type Problem,
  type ReferenceLoss,
  type ReferenceOptions,
  randomProblem,
  references,
  type Target,
  type TargetKind,
  type Tensor64,
} from './index.ts';
import { sizeOf } from './layout.ts';
import { randomFrom } from './random.ts';

const shapes: readonly (readonly number[])[] = [[5], [3, 4], [2, 3, 2], [1, 1], [0, 3]];
const kindsOf = ({ targets }: ReferenceLoss): readonly (TargetKind | undefined)[] =>
  targets.length === 0 ? [undefined] : targets;

/** Every kind of target in every shape, on every axis. */
function* plainProblems(loss: ReferenceLoss): Generator<Problem> {
  const random = randomFrom(11);
  for (const shape of shapes) {
    const axes = loss.family === 'class' || loss.family === 'overlap' ? shape.keys() : [undefined];
    for (const axis of axes) {
      if (shape[0] === 0 && axis === 0) continue;
      for (const kind of kindsOf(loss)) for (let turn = 0; turn < 3; turn++) yield loss.draw(random, shape, axis, kind);
    }
  }
}

const isFloat32 = (tensor: Tensor64): boolean => tensor.data.every((v) => Object.is(Math.fround(v), v));

function expectLegal(loss: ReferenceLoss, { inputs, options }: Problem): void {
  const { input, target, others = {} } = inputs;
  const [low, high] = loss.domain(options);
  expect(isFloat32(input)).toBe(true);
  expect(input.data.every((x) => x >= low && x <= high)).toBe(true);
  expect(Object.keys(others)).toEqual(loss.others);
  expect(Object.values(others).every(isFloat32)).toBe(true);
  if (target === undefined) expect(loss.targets).toEqual([]);
  else expect(isSparse(target) || isFloat32(target)).toBe(true);
}

const kindOf = (target: Target, input: Tensor64): TargetKind => {
  if (isSparse(target)) return 'sparse';
  return target.shape.length === input.shape.length ? 'dense' : 'index';
};

/** Without reduction, so that each value stands beside its scale. */
const unreduced = (loss: ReferenceLoss, problem: Problem): Problem => ({
  inputs: problem.inputs,
  options: { ...problem.options, ...(loss.family !== 'scalar' && { reduction: 'none' }) },
});

/** Neither value nor gradient is larger than a few times its scale, and no scale is infinite beside a finite value. */
function expectScales(what: string, loss: ReferenceLoss, given: Problem): void {
  const problem = unreduced(loss, given);
  const { loss: value, grad, grads = {}, componentLosses } = loss.compute(problem.inputs, problem.options);
  const scales = loss.scales(problem);
  const pairs = [
    { name: 'loss', data: value.data, scale: scales.loss },
    { name: 'grad', data: grad.data, scale: scales.grad },
    ...Object.entries(grads).map(([name, { data }]) => ({ name, data, scale: scales.grads![name]! })),
    ...(componentLosses ? [{ name: 'parts', data: componentLosses.data, scale: scales.componentLosses! }] : []),
  ];
  for (const { name, data, scale } of pairs) {
    expect(scale.length, `${what} ${name}`).toBe(data.length);
    for (const [i, v] of data.entries()) {
      if (!Number.isFinite(Math.fround(v))) continue;
      const fits = scale[i]! >= 0 && scale[i]! < Infinity && Math.abs(v) <= 3 * scale[i]!;
      if (!fits) expect.fail(`${what} ${name}[${i}] is ${v}, its scale ${scale[i]}`);
    }
  }
}

describe.each(lossEntries)('%s', (name, loss) => {
  it('draws what is legal, in every shape and kind', () => {
    for (const problem of plainProblems(loss)) {
      expectLegal(loss, problem);
      const { inputs, options } = problem;
      const own = Object.keys(options).filter((option) => option !== 'axis');
      expect(loss.settings.filter((setting) => !own.includes(setting))).toEqual([]);
      expect(own.filter((option) => !(loss.settings as readonly string[]).includes(option))).toEqual([]);
      if (inputs.target) expect(loss.targets).toContain(kindOf(inputs.target, inputs.input));
    }
  });

  it('computes results of the shapes that its family says', () => {
    for (const problem of plainProblems(loss)) {
      const { inputs, options } = unreduced(loss, problem);
      const { loss: value, grad, grads = {}, sum, count, weightSum } = loss.compute(inputs, options);
      expect(value.shape).toEqual(lossShapeOf(loss, problem));
      expect(value.data.length).toBe(sizeOf(value.shape));
      expect(grad.shape).toEqual(inputs.input.shape);
      for (const other of loss.others) expect(grads[other]!.shape).toEqual(inputs.others![other]!.shape);
      for (const total of [sum, count, weightSum]) expect(total).not.toBeNaN();
      expect([...value.data, ...grad.data].every((v) => !Number.isNaN(v))).toBe(true);
    }
  });

  it('its options have an effect, and tests can know their names', () => {
    const names = optionNames(loss);
    expect(new Set(names).size).toBe(names.length);
    const random = randomFrom(3);
    for (const [option, draw] of Object.entries(loss.options)) {
      expect(names).toContain(option);
      const changes = Array.from({ length: 40 }, () => {
        const problem = loss.draw(random, [3, 4], undefined, loss.targets[turnOf(random, loss)]);
        const value = draw(random, problem);
        const at = (options: ReferenceOptions): number[] => {
          const result = loss.compute(problem.inputs, options);
          return [result.sum, ...result.grad.data];
        };
        const sparse = { ...problem.options, reduction: 'sum' } as const;
        return at(sparse).join() !== at({ ...sparse, [option]: value }).join();
      });
      expect(changes, option).toContain(true);
    }
  });

  it('options that the target goes along with ignore something, or rename it', () => {
    const random = randomFrom(5);
    for (const [option, change] of Object.entries(loss.targetOptions)) {
      expect(optionNames(loss)).toContain(option);
      const problems = Array.from({ length: 10 }, () => loss.draw(random, [6, 5]));
      const counts = problems.map((problem) => {
        const { inputs, options } = change(random, problem);
        expect(Object.keys(options)).toContain(option);
        const before = loss.compute(problem.inputs, problem.options);
        const after = loss.compute(inputs, options);
        return option === 'labels' ? before.sum - after.sum : before.count - after.count;
      });
      if (option === 'labels') expect(counts.every((difference) => difference === 0)).toBe(true);
      else if (loss.family !== 'overlap') expect(Math.max(...counts)).toBeGreaterThan(0);
    }
  });

  it('measures ordinary results and extreme ones', () => {
    for (const problem of plainProblems(loss)) expectScales(`${name} plain`, loss, problem);
    const random = randomFrom(23);
    expect(Object.keys(loss.spice).length).toBeGreaterThanOrEqual(3);
    for (const [spice, change] of Object.entries(loss.spice)) {
      for (const kind of kindsOf(loss)) {
        for (let turn = 0; turn < 10; turn++) {
          const problem = change(random, loss.draw(random, [4, 6], undefined, kind));
          const { input, others } = problem.inputs;
          expect([input, ...Object.values(others ?? {})].every(isFloat32)).toBe(true);
          expectScales(`${name} ${spice}`, loss, problem);
          for (const [option, draw] of Object.entries(loss.options)) {
            const options = { ...problem.options, [option]: draw(random, problem) };
            expectScales(`${name} ${spice} ${option}`, loss, { inputs: problem.inputs, options });
          }
        }
      }
    }
  });

  it('spice changes what it touches', () => {
    const random = randomFrom(31);
    for (const [spice, change] of Object.entries(loss.spice)) {
      const changed = Array.from({ length: 10 }, () => {
        const problem = loss.draw(random, [4, 6]);
        const text = ({ inputs, options }: Problem): string => `${everything(inputs)} ${everything(options)}`;
        return text(problem) !== text(change(random, problem));
      });
      expect(changed, spice).toContain(true);
    }
  });

  it('bounds every result under every reduction', () => {
    const random = randomFrom(41);
    for (const plain of plainProblems(loss)) {
      const { input, target } = plain.inputs;
      const all = randomProblem(random, loss, input.shape, plain.options.axis, target && kindOf(target, input));
      const result = loss.compute(all.inputs, all.options);
      const bounds = errorBounds(loss, all, 4);
      expect(bounds.loss.length).toBe(result.loss.data.length);
      expect(bounds.grad.length).toBe(result.grad.data.length);
      expect(Object.keys(bounds.grads).sort()).toEqual(Object.keys(result.grads ?? {}).sort());
      expect([...bounds.loss, ...bounds.grad, bounds.sum].every((bound) => bound > 0 && bound < 1)).toBe(true);
      // a gradient of the size of its scale may be off by 12 roundings at most
      for (const [i, g] of result.grad.data.entries())
        expect(Math.abs(g) * 2 ** -24).toBeLessThanOrEqual(bounds.grad[i]!);
    }
  });

  it('has no kinks but where the derivative depends on the side', () => {
    for (const problem of plainProblems(loss)) {
      const { grad, grads = {} } = loss.kinks(problem);
      expect(grad.length).toBe(problem.inputs.input.data.length);
      expect([...grad, ...Object.values(grads).flatMap((flags) => [...flags])].every((flag) => flag <= 1)).toBe(true);
    }
  });
});

const turnOf = (random: () => number, { targets }: ReferenceLoss): number => Math.floor(random() * targets.length);
const everything = (value: unknown): string =>
  JSON.stringify(value, (_, v) => {
    if (typeof v === 'number') return Object.is(v, -0) ? '-0' : String(v);
    return ArrayBuffer.isView(v) ? Array.from(v as Float64Array, String) : v;
  });

describe('kinks', () => {
  const at = (name: keyof typeof references, x: number, y: number, options: ReferenceOptions = {}, reach?: number) => {
    const one = (v: number): Tensor64 => ({ data: Float64Array.of(v), shape: [1] });
    return references[name].kinks({ inputs: { input: one(x), target: one(y) }, options }, reach).grad[0];
  };
  it.each([
    ['l1', 2, 2, {}],
    ['smoothL1', 2, 2, { beta: 0 }],
    ['quantile', 2, 2, { q: 0.1 }],
    ['hinge', -1, 0, {}],
    ['hinge', 0.3, 1, { margin: 0.3 }],
    ['asymmetric', Math.log(0.05 / 0.95), 0, {}],
    ['absKlDiv', 1e-7, 0.5, {}],
  ] as const)('%s at %d', (name, x, y, options) => {
    expect(at(name, x, y, options)).toBe(1);
    expect(at(name, x * (1 + 2 ** -23), y, options)).toBe(1);
    expect(at(name, x * 1.001, y, options)).toBe(0);
    expect(at(name, x * 1.001, y, options, 0.1)).toBe(1);
  });

  it('bends count within reach alone', () => {
    for (const [name, options] of [
      ['huber', {}],
      ['smoothL1', {}],
      ['hinge', { squared: true }],
    ] as const) {
      expect(at(name, 1, name === 'hinge' ? 1 : 0, options)).toBe(0);
      expect(at(name, 1, name === 'hinge' ? 1 : 0, options, 1e-3)).toBe(1);
    }
  });

  it('a margin at 0 leaves its class and the target open', () => {
    const input = { data: Float64Array.of(2, 1, 1.5, 1), shape: [4] };
    const target = { data: Float64Array.of(0), shape: [] };
    const kinks = (options: ReferenceOptions) => [
      ...references.multiMargin.kinks({ inputs: { input, target }, options }).grad,
    ];
    expect(kinks({})).toEqual([1, 1, 0, 1]);
    expect(kinks({ p: 2 })).toEqual([0, 0, 0, 0]);
  });
});
