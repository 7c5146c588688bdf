/** Prepared steps: the direct call bit for bit on the current contents, and nothing allocated, leaked or left half done. */
import { describe, expect, it } from 'vitest';
import { createEngine } from '../src/index.ts';
import type { Reduction, Tensor, TensorInput } from '../src/values/types.ts';
import { expectSame, Problem, placements } from './placement.ts';
import { sizeOf } from './reference/layout.ts';
import { normal, randomFrom } from './reference/random.ts';
import { type Engine, type LossCase, lossCases, lossNames, lossOf } from './tiers.ts';

const engine = createEngine();
/** Every view of the memory is detached by this. */
const grow = (): number => engine.memory.grow(1);

/** Runs a step; all it gives must be what the direct call gives. */
function expectDirect(what: string, problem: Problem, step: ReturnType<Problem['prepare']>): void {
  const expected = problem.direct();
  const loss = step();
  expectSame(`${what}: loss`, loss, expected.loss);
  expectSame(`${what}: grad`, step.grad, expected.grad);
  expect([step.sum, step.count, step.weightSum, step.zSum], what).toEqual([
    expected.sum,
    expected.count,
    expected.weightSum,
    expected.zSum ?? 0,
  ]);
  expectSame(`${what}: componentLosses`, step.componentLosses, expected.componentLosses);
}

describe.each(Object.entries(placements))('%s', (_, where) => {
  it('every step is the direct call on what the operands hold then', () => {
    const before = engine.stats();
    for (const each of lossCases) {
      const problem = new Problem(engine, each, where);
      const step = problem.prepare();
      const inPlace = where.out === 'input';
      // read at the first step, not when it was prepared
      problem.turn();
      expectDirect(each.name, problem, step);
      const { grad } = step;
      const data = grad.data;
      if (inPlace) problem.input.data.set(each.input.data);
      problem.turn();
      expectDirect(`${each.name}, turned`, problem, step);
      expect([step.grad, grad.data]).toEqual([grad, data]);
      step.free();
      problem.free();
    }
    expect(engine.stats()).toMatchObject({ bytesInUse: before.bytesInUse, liveTensors: before.liveTensors });
  });

  it('is so where operands are cut into blocks', () => {
    const random = randomFrom(7);
    const draw = (shape: readonly number[]): Tensor => ({
      data: Float32Array.from({ length: sizeOf(shape) }, () => Math.abs(normal(random, 0.2)) % 1),
      shape,
    });
    const classes = (shape: readonly number[], count: number) => ({
      data: Int32Array.from({ length: sizeOf(shape) }, () => Math.floor(random() * count)),
      shape,
    });
    const map = Array.from({ length: 30 }, (_, c) => c % 4);
    const large: Omit<LossCase, 'name' | 'gradOutput'>[] = [
      { op: 'crossEntropy', input: draw([300, 400]), target: classes([300], 400), options: {} },
      {
        op: 'crossEntropy',
        input: draw([2, 40, 1500]),
        target: classes([2, 1500], 40),
        options: { weight: draw([40]), reduction: 'none' },
      },
      { op: 'crossEntropy', input: draw([70, 1000]), target: draw([70, 1000]), options: { sampleWeight: draw([70]) } },
      {
        op: 'componentCrossEntropy',
        input: draw([4000, 30]),
        target: classes([4000], 30),
        options: { components: [map, map.map((g) => g >> 1)] },
      },
      { op: 'bceWithLogits', input: draw([600, 150]), target: draw([600, 150]), options: { weight: draw([600, 1]) } },
      { op: 'mse', input: draw([100_000]), target: draw([100_000]), options: { reduction: 'none' } },
    ];
    for (const each of large) {
      const problem = new Problem(engine, each, where);
      const step = problem.prepare();
      expectDirect(each.op, problem, step);
      step.free();
      problem.free();
    }
  });

  it('takes nothing from linear memory, and lives on when memory grows', () => {
    for (const each of lossCases.filter((_, i) => i % 7 === 0)) {
      const problem = new Problem(engine, each, where);
      const step = problem.prepare();
      const reset = () => problem.input.data.set(each.input.data);
      step();
      const stats = engine.stats();
      for (let i = 0; i < 3; i++) {
        step();
        expect(engine.stats()).toEqual(stats);
      }
      grow();
      reset();
      expectDirect(`${each.name}, after growth`, problem, step);
      step.free();
      problem.free();
    }
  });
});

/** A step of each loss over a tensor of logits, and one target that is no class or no probability. */
const steps = (own: Engine, out?: Tensor | 'input') =>
  lossNames.map((op) => {
    const byClass = op === 'crossEntropy' || op === 'componentCrossEntropy';
    const input = own.from([
      [0.5, 2, -1],
      [1, -3, 0.25],
    ]);
    const target = byClass ? own.from(Int32Array.of(2, 0)) : own.from([1, 0, 1, 0, 1, 0], [2, 3]);
    const options = {
      ...(op === 'componentCrossEntropy' && { components: [[0, 0, 1]] }),
      ...(out && { out: out === 'input' ? input : out }),
    };
    return { op, input, target, step: lossOf(own, op).prepare(input, target, options) };
  });

describe('a step that cannot run', () => {
  it.each(['elsewhere', 'in place'])('because a target is out of range changes nothing: gradient %s', (where) => {
    for (const { op, input, target, step } of steps(createEngine(), where === 'in place' ? 'input' : undefined)) {
      if (op === 'mse') continue;
      const loss = step();
      const grad = step.grad.data.slice();
      const results = [step.sum, step.count, step.weightSum];
      const right = target.data[1]!;
      input.data[0] = where === 'in place' ? input.data[0]! : 7;
      target.data[1] = -3;
      expect(() => step(), op).toThrow(RangeError);
      expect(() => step(), op).toThrow(/^\w+\.prepare: target\[1\] is -3, outside \[0, /);
      expect(step.grad.data, op).toEqual(grad);
      expect([step.sum, step.count, step.weightSum], op).toEqual(results);
      target.data[1] = right;
      expect(step(), op).not.toBe(loss);
    }
  });

  it('because a tensor was freed is a TypeError, and changes nothing', () => {
    for (const which of ['input', 'target', 'out'] as const) {
      const own = createEngine();
      const out = own.tensor([2, 3]);
      for (const { op, input, target, step } of steps(own, which === 'out' ? out : undefined)) {
        step();
        const grad = which === 'out' ? undefined : step.grad.data.slice();
        ({ input, target, out })[which].free();
        expect(() => step(), op).toThrow(/^lossmith: use of the tensor \[.*\] after it was freed$/);
        expect(() => step(), op).toThrow(TypeError);
        if (grad) expect(step.grad.data, op).toEqual(grad);
        step.free();
        if (which === 'out') break;
      }
    }
    for (const key of ['weight', 'sampleWeight'] as const) {
      const own = createEngine();
      const tensor = own.from([1, 2]);
      const step = own.crossEntropy.prepare(
        [
          [1, 2],
          [3, 4],
        ],
        [0, 1],
        { [key]: tensor },
      );
      step();
      tensor.free();
      expect(() => step(), key).toThrow(TypeError);
    }
  });

  it('because an operand moved out of memory is a TypeError; one that moves in, or back, is read where it is', () => {
    const inside = engine.from([[1, 2, 3]]);
    const outside = Float32Array.of(3, 2, 1);
    const moving: { data: Float32Array; shape: number[] } = { data: inside.data, shape: [1, 3] };
    const step = engine.crossEntropy.prepare(moving, [0]);
    expect(step()).toBe(engine.crossEntropy(inside, [0]).loss);
    moving.data = outside;
    expect(() => step()).toThrow(TypeError);
    moving.data = inside.data;
    expect(step()).toBe(engine.crossEntropy(inside, [0]).loss);
    moving.data = outside;
    const later = engine.crossEntropy.prepare(moving, [0]);
    for (const data of [inside.data, outside, inside.data]) {
      moving.data = data;
      expect(later()).toBe(engine.crossEntropy({ data, shape: [1, 3] }, [0]).loss);
    }
    for (const each of [step, later, inside]) each.free();
  });

  it('because it was freed says so; freeing gives its memory back, once', () => {
    const own = createEngine();
    const made = steps(own);
    // the tensors alone: as much as they take in an engine without steps
    const base = createEngine();
    for (const { input, target } of made) {
      base.from(input);
      base.from(target);
    }
    expect(own.stats().bytesInUse).toBeGreaterThan(base.stats().bytesInUse);
    for (const { op, step } of made) {
      step();
      step.free();
      step.free();
      expect(() => step()).toThrow(new TypeError(`${op}.prepare: this step was freed`));
      // what it computed last can still be read
      expect(step.count).toBeGreaterThan(0);
    }
    expect(own.stats().bytesInUse).toBe(base.stats().bytesInUse);
    {
      using step = own.mse.prepare([1, 2], [3, 4]);
      step();
      expect(own.stats().bytesInUse).toBeGreaterThan(base.stats().bytesInUse);
    }
    expect(own.stats().bytesInUse).toBe(base.stats().bytesInUse);
  });

  it('is refused by prepare with the message of the direct call, and leaves nothing behind', () => {
    const own = createEngine({ maximumBytes: 1 << 20 });
    const { bytesInUse } = own.stats();
    const large = { data: new Float32Array(300_000), shape: [1, 300_000] };
    const refused: [() => unknown, RegExp][] = [
      [() => own.crossEntropy.prepare([[1, 2]], [0, 1]), /^crossEntropy\.prepare: target has 2 values/],
      [() => own.mse.prepare([1], [1, 2]), /^mse\.prepare: target has 2 values/],
      [() => own.bceWithLogits.prepare([1], [1], { weight: [1, 2] }), /^bceWithLogits\.prepare: weight \[2\]/],
      [() => own.crossEntropy.prepare(large, [0]), /out of memory/],
    ];
    for (const [use, message] of refused) expect(use).toThrow(message);
    expect(own.stats().bytesInUse).toBe(bytesInUse);
  });
});

describe('plain JavaScript arrays', () => {
  it('are read again at every step, the first one included: number[], nested, weights', () => {
    const input = [
      [1, 2, 3],
      [3, 1, 0],
    ];
    const [target, sampleWeight] = [
      [0, 2],
      [1, 0.5],
    ];
    const step = engine.crossEntropy.prepare(input, target, { sampleWeight });
    for (const change of [
      () => {
        input[0]![1] = -4;
      },
      () => {
        target[1] = 0;
      },
      () => {
        sampleWeight[0] = 3;
      },
    ]) {
      change();
      const expected = engine.crossEntropy(input, target, { sampleWeight });
      expect([step(), step.grad]).toEqual([expected.loss, expected.grad]);
    }
    target[0] = 0.5;
    expect(() => step()).toThrow('crossEntropy.prepare: target[0] is 0.5, expected an integer (a class index)');
    step.free();
  });

  it.each([
    ['BigInt64Array', (values: number[]) => BigInt64Array.from(values, BigInt)],
    ['Uint8Array', (values: number[]) => Uint8Array.from(values)],
    ['Float64Array', (values: number[]) => Float64Array.from(values)],
    ['number[]', (values: number[]) => values],
  ] as const)('targets in a %s too, with and without labels', (_, make) => {
    const input: TensorInput = [
      [1, 2, 3],
      [3, 1, 0],
    ];
    for (const options of [{}, { labels: [2, 0, 1] }, { ignoreIndex: 2 }]) {
      const target = make([0, 2]);
      const step = engine.crossEntropy.prepare(input, target, options);
      expect(step()).toBe(engine.crossEntropy(input, target, options).loss);
      target.reverse();
      expect(step()).toBe(engine.crossEntropy(input, target, options).loss);
      step.free();
    }
  });
});

it('big integers keep all their digits', () => {
  const target = BigInt64Array.of(2n ** 24n + 1n, 2n ** 24n);
  const labels = [2 ** 24, 2 ** 24 + 1];
  const input = [
    [1, 2],
    [3, 7],
  ];
  const expected = engine.crossEntropy(input, [1, 0]);
  expect(engine.crossEntropy(input, target, { labels }).loss).toBe(expected.loss);
  expect(engine.crossEntropy.prepare(input, target, { labels })()).toBe(expected.loss);
});

describe('arrays that went away', () => {
  const transfer = (data: Float32Array): void => {
    structuredClone(data.buffer, { transfer: [data.buffer] });
  };
  const array = (): Float32Array => Float32Array.of(1, 2, 3, 4);

  it.each<[string, (data: Float32Array) => () => unknown]>([
    ['input', (data) => engine.mse.prepare(data, [1, 2, 3, 4])],
    ['target', (data) => engine.mse.prepare([1, 2, 3, 4], data)],
    ['weight', (data) => engine.mse.prepare([1, 2, 3, 4], [1, 2, 3, 4], { weight: data })],
    ['out', (data) => engine.mse.prepare([1, 2, 3, 4], [1, 2, 3, 4], { out: data })],
    ['tensor', (data) => engine.mse.prepare({ data, shape: [2, 2] }, [1, 2, 3, 4])],
  ])('are a TypeError at the next step, not other memory: %s', (_, prepare) => {
    const data = array();
    const step = prepare(data);
    step();
    transfer(data);
    const low = new Uint8Array(engine.memory.buffer, 0, 1024).slice();
    expect(step).toThrow(TypeError);
    expect(new Uint8Array(engine.memory.buffer, 0, 1024)).toEqual(low);
  });

  it('are a TypeError too where they showed the memory of another engine', () => {
    const other = createEngine();
    const tensor = other.from(array());
    const step = engine.mse.prepare(tensor.data, [1, 2, 3, 4]);
    expect(step()).toBe(0);
    other.memory.grow(1);
    expect(step).toThrow(TypeError);
  });
});

describe('steps side by side', () => {
  it.each<Reduction>(['mean', 'sum', 'none', 'batchmean'])('do not disturb each other: %s', (reduction) => {
    const own = createEngine();
    const input = own.from([
      [0.5, 2],
      [1, -3],
    ]);
    const options = { reduction, scale: 2 };
    const entropy = own.crossEntropy.prepare(input, [1, 0], options);
    const squares = own.mse.prepare(
      input,
      [
        [1, 2],
        [3, 4],
      ],
      options,
    );
    const expected = [
      own.crossEntropy(input, [1, 0], options),
      own.mse(
        input,
        [
          [1, 2],
          [3, 4],
        ],
        options,
      ),
    ] as const;
    const losses = [entropy(), squares()];
    for (let i = 0; i < 3; i++) {
      own.sigmoid([1, 2, 3]);
      expect([entropy(), squares()]).toEqual(expected.map((result) => result.loss));
      expect([entropy.grad.data, squares.grad.data]).toEqual(expected.map((result) => result.grad.data));
    }
    // for 'none' the same tensor each time
    if (reduction === 'none') expect([entropy(), squares()].every((loss, i) => loss === losses[i])).toBe(true);
  });
});
