/** Prepared steps: the direct call bit for bit on the current contents, and nothing allocated, leaked or left half done. */
import { describe, expect, it } from 'vitest';
import { createEngine } from '../src/index.ts';
import type { Reduction, TensorInput } from '../src/values/types.ts';
import { callOn, type Input, losses, type Step } from './library.ts';
import {
  expectSameGradients,
  expectSameLosses,
  freed,
  isTensor,
  type Placed,
  PlacedCall,
  placements,
  tensorsOf,
} from './placement.ts';
import { recordOf } from './plain.ts';
import { randomProblem, references } from './reference/index.ts';
import { randomFrom } from './reference/random.ts';
import { axisFor, type LossCase, lossCases, lossNames } from './tiers.ts';

const engine = createEngine();
/** Every view of the memory is detached by this. */
const grow = (): number => engine.memory.grow(1);

/** Runs a step; all it gives must be what the direct call gives. */
function expectDirect(what: string, placed: PlacedCall, step: Step): void {
  const expected = placed.direct();
  const loss = step();
  expectSameLosses(what, { ...step, loss }, expected);
  expectSameGradients(what, step, expected);
}

/** More than a block holds, as rows and along a middle axis. */
const large = lossNames.flatMap((op): Omit<LossCase, 'name' | 'gradOutput'>[] => {
  const shapes = [
    [300, 400],
    [2, 40, 1500],
  ];
  return shapes.map((shape, i) => {
    const random = randomFrom(i);
    const problem = randomProblem(random, references[op], shape, axisFor(op, 1), references[op].targets[0]);
    const { loss: _, ...call } = callOn(losses, op, problem);
    return { op, ...call };
  });
});

/** Each place sees a quarter of the cases of every loss. */
const casesAt = (place: number): LossCase[] => lossCases.filter((_, i) => (i + place) % 4 === 0);

describe.each(Object.entries(placements).map(([name, where], i) => [name, where, i] as const))(
  '%s',
  (_, where, place) => {
    it('every step is the direct call on what the operands hold then', () => {
      const before = engine.stats();
      for (const each of casesAt(place)) {
        const placed = new PlacedCall(engine, each, where);
        const step = placed.prepare();
        // read at the first step, not when it was prepared
        placed.turn();
        expectDirect(each.name, placed, step);
        const { grad } = step;
        if (where.out === 'input') placed.reset();
        placed.turn();
        expectDirect(`${each.name}, turned`, placed, step);
        expect(step.grad).toEqual(grad);
        step.free();
        placed.free();
      }
      expect(engine.stats()).toMatchObject({ bytesInUse: before.bytesInUse, liveTensors: before.liveTensors });
    });

    it('is so where operands are cut into blocks', () => {
      for (const each of large.filter((_, i) => (i + place) % 4 === 0)) {
        const placed = new PlacedCall(engine, each, where);
        const step = placed.prepare();
        expectDirect(each.op, placed, step);
        step.free();
        placed.free();
      }
    });

    it('takes nothing from linear memory, and lives on when memory grows', () => {
      for (const each of casesAt(place).filter((_, i) => i % 4 === 0)) {
        const placed = new PlacedCall(engine, each, where);
        const step = placed.prepare();
        step();
        const stats = engine.stats();
        for (let i = 0; i < 3; i++) {
          placed.reset();
          step();
          expect(engine.stats()).toEqual(stats);
        }
        grow();
        placed.reset();
        expectDirect(`${each.name}, after growth`, placed, step);
        step.free();
        placed.free();
      }
    });
  },
);

/** Losses whose targets have a range. */
const ranged = lossNames.filter((op) => !['real', 'sets'].includes(recordOf(op).target));
const dataOf = (input: Input): Float32Array[] => tensorsOf(input).map(({ data }) => data);

describe('a step that cannot run', () => {
  it.each(['tensors', 'tensors, in place'])('because a target is out of range changes nothing: %s', (where) => {
    const own = createEngine();
    for (const op of ranged) {
      const each = lossCases.find((one) => one.op === op && isTensor(one.target))!;
      const placed = new PlacedCall(own, each, placements[where]!);
      const step = placed.prepare();
      step();
      const results = [step.sum, step.count, step.weightSum];
      const { data } = placed.target as Placed;
      placed.reset();
      const right = data[1]!;
      data[1] = -3;
      for (let i = 0; i < 2; i++) {
        expect(() => step(), op).toThrow(RangeError);
        expect(() => step(), op).toThrow(/^\w+\.prepare: target\[1\] is -3, /);
      }
      // a gradient with memory of its own may be partly written
      if (where !== 'tensors') expect(dataOf(placed.input), op).toEqual(dataOf(each.input));
      expect([step.sum, step.count, step.weightSum], op).toEqual(results);
      data[1] = right;
      placed.reset();
      expectDirect(op, placed, step);
      step.free();
      placed.free();
    }
  });

  it('because a tensor was freed is a TypeError, and changes nothing', () => {
    const own = createEngine();
    for (const op of lossNames) {
      const each = lossCases.find((one) => one.op === op && Object.values(one.options).some(isTensor));
      const given = each ?? lossCases.find((one) => one.op === op)!;
      for (let which = 0, all = 1; which < all; which++) {
        const placed = new PlacedCall(own, given, placements.tensors!);
        all = placed.operands.length + placed.outs.length;
        const step = placed.prepare();
        step();
        const result = step.sum;
        freed([...placed.operands, ...placed.outs][which]);
        expect(() => step(), op).toThrow(/^lossmith: use of the tensor \[.*\] after it was freed$/);
        expect(() => step(), op).toThrow(TypeError);
        expect(step.sum, op).toBe(result);
        step.free();
        placed.free();
      }
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
    const placed = lossNames.map((op) => {
      const each = lossCases.find((one) => one.op === op)!;
      return [op, new PlacedCall(own, each, placements.tensors!)] as const;
    });
    const { bytesInUse } = own.stats();
    const made = placed.map(([op, call]) => [op, call.prepare()] as const);
    expect(own.stats().bytesInUse).toBeGreaterThan(bytesInUse);
    for (const [op, step] of made) {
      step();
      step.free();
      step.free();
      expect(() => step()).toThrow(new TypeError(`${op}.prepare: this step was freed`));
      // what it computed last can still be read
      expect(step.count, op).toBeGreaterThan(0);
    }
    expect(own.stats().bytesInUse).toBe(bytesInUse);
    {
      using step = own.mse.prepare([1, 2], [3, 4]);
      step();
      expect(own.stats().bytesInUse).toBeGreaterThan(bytesInUse);
    }
    expect(own.stats().bytesInUse).toBe(bytesInUse);
  });

  it('is refused by prepare with the message of the direct call, and leaves nothing behind', () => {
    const own = createEngine({ maximumBytes: 1 << 17 });
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
