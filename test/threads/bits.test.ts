/** Every loss and activation gets the same bits from one thread and from several, whatever the shape and the tier. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chunksOf } from '../../src/threads/chunk.ts';
import { createEngine } from '../../src/threads/index.ts';
import { classCut, elementCut } from '../../src/threads/plans.ts';
import { ClassBlocks, ElementBlocks } from '../../src/work/blocks.ts';
import { activationNames, callOn, type FormName, formNames, type Library, libraryOf } from '../calls.ts';
import {
  expectSame,
  expectSameGradients,
  expectSameLosses,
  PlacedCall,
  type Placement,
  placements,
} from '../placement.ts';
import { isRefused, type Problem, randomProblem, references } from '../reference/index.ts';
import { sizeOf } from '../reference/layout.ts';
import { normal, pick, type Random, randomFrom } from '../reference/random.ts';
import type { Reduction } from '../reference/types.ts';
import { sampled, whole } from '../sample.ts';
import { axisFor, type Engine, oddNaNs, tiers } from '../tiers.ts';

/** Shapes of more than 262,144 values, with the class axis: rows of few and of many classes, columns in rows that fit a chunk and in rows that do not. */
const shapes: readonly (readonly [shape: readonly number[], axis: number])[] = [
  [[70_001, 4], 1],
  [[301, 1000], 1],
  [[43, 3, 2203], 1],
  [[4, 5, 21_001], 1],
];

/** The same kinds of more than 32 chunks, the most that threads take at a time where something comes from arrays. */
const wide: typeof shapes = [
  [[270_001, 4], 1],
  [[1101, 1000], 1],
  [[171, 3, 2203], 1],
  [[10, 5, 21_001], 1],
  [[4, 9, 35_001], 1],
];

/** Values with something in them that is no number, in turn. */
function problemOf(
  random: Random,
  op: FormName,
  [shape, axis]: (typeof shapes)[number],
  reductions: readonly Reduction[] = ['mean', 'sum'],
): Problem {
  const loss = references[op];
  const plain = randomProblem(random, loss, shape, axisFor(op, axis), pick(random, loss.targets));
  // some of these look through the whole target for each sample
  const changes = Object.entries(loss.spice).filter(([name]) => !/^(confident|wrong|masked)/.test(name));
  const [, change] = pick(random, changes);
  const changed = change(random, plain);
  const { inputs, options } = isRefused(loss, changed) ? plain : changed;
  return { inputs, options: { ...options, reduction: pick(random, reductions), gradOutput: undefined } };
}

describe.each(sampled(tiers, 0.3))('%s', (tier) => {
  let one: Engine;
  let several: Engine;
  beforeAll(async () => {
    one = createEngine({ tier });
    several = createEngine({ tier, threads: 3 });
    await several.ready;
    expect(several.threads).toBe(3);
  });
  afterAll(() => {
    one.dispose();
    several.dispose();
  });

  const ops = formNames.map((op, i) => [op, i] as const);
  const drawn = sampled(ops, 0.4);
  it.each(drawn)('%s', (op, turn) => {
    for (const each of whole ? shapes : [shapes[turn % shapes.length]!]) {
      const [shape] = each;
      const problem = problemOf(randomFrom(sizeOf(shape) + op.length), op, each);
      const call = callOn({} as Library, op, problem);
      const run = (engine: Engine) => {
        const placed = new PlacedCall(engine, { op, ...call }, placements.tensors!);
        const direct = placed.direct();
        const step = placed.prepare();
        step();
        step();
        const { loss, sum, count, weightSum, zSum } = step;
        const prepared = { ...direct, loss, sum, count, weightSum, zSum };
        step.free();
        return { placed, direct, prepared };
      };
      const [here, there] = [run(one), run(several)];
      const what = `${op} [${shape}]`;
      expectSameLosses(what, there.direct, here.direct);
      expectSameLosses(`${what}, prepared`, there.prepared, here.prepared);
      expectSameGradients(what, there.direct, here.direct);
      for (const { placed } of [here, there]) placed.free();
    }
  });

  it.each(sampled(ops, 0.15))('%s of arrays, or with a loss for each sample', (op, turn) => {
    for (const each of whole ? wide : [wide[turn % wide.length]!]) {
      const [shape] = each;
      const random = randomFrom(sizeOf(shape) + op.length);
      const call = callOn({} as Library, op, problemOf(random, op, each, ['none', 'mean', 'sum']));
      const where = pick(random, Object.keys(placements));
      const run = (engine: Engine, placement: Placement) => {
        const placed = new PlacedCall(engine, { op, ...call }, placement);
        const direct = placed.direct();
        placed.free();
        return direct;
      };
      const [here, there] = [run(one, placements.arrays!), run(several, placements[where]!)];
      const what = `${op} [${shape}] ${where}`;
      expectSameLosses(what, there, here);
      expectSameGradients(what, there, here);
    }
  });

  it.each(activationNames)('%s', (op) => {
    for (const [shape, axis] of shapes) {
      const random = randomFrom(sizeOf(shape));
      const data = Float32Array.from({ length: sizeOf(shape) }, () => normal(random, 4));
      const run = (engine: Engine) => {
        const input = engine.from({ data, shape });
        const out = engine.tensor(shape);
        libraryOf(engine)[op](input, op === 'softmax' || op === 'logSoftmax' ? { axis, out } : { out });
        const values = { data: out.data.slice(), shape };
        input.free();
        out.free();
        return values;
      };
      expectSame(`${op} [${shape}]`, run(several), run(one));
    }
  });

  it('leaves nothing in memory', () => {
    expect(several.stats().liveTensors).toBe(0);
    expect(several.stats().bytesInUse).toBe(0);
  });
});

it('deterministic engines make one NaN in every thread', async () => {
  const engine = createEngine({ deterministic: true, threads: 2 });
  await engine.ready;
  for (const [shape, axis] of shapes) {
    const logits = engine.tensor(shape);
    // NaN of many kinds
    new Uint32Array(logits.data.buffer, logits.data.byteOffset, logits.data.length).fill(0xffc12345);
    const out = engine.tensor(shape);
    engine.softmax(logits, { axis, out });
    expect(oddNaNs(out.data)).toBe(0);
    engine.mse(logits, logits, { out });
    expect(oddNaNs(out.data)).toBe(0);
    logits.free();
    out.free();
  }
  engine.dispose();
});

describe('chunks end where blocks of arrays end', () => {
  /** Where each ends. */
  const endsOf = (sizes: readonly number[]): number[] => {
    let end = 0;
    return sizes.map((each) => (end += each));
  };
  /** Blocks that are several times as large end where such ones do, and are fewer where there are many. */
  const expectWide = (wideSizes: readonly number[], sizes: readonly number[], what: string): void => {
    const ends = new Set(endsOf(sizes));
    expect(
      endsOf(wideSizes).filter((end) => !ends.has(end)),
      what,
    ).toEqual([]);
    expect(wideSizes.length, what).toBeLessThanOrEqual(Math.ceil(sizes.length / 2));
  };
  const random = randomFrom(11);
  const size = (most: number): number => 1 + Math.floor(random() ** 3 * most);
  const counted = (blocks: ClassBlocks | ElementBlocks): number[] => {
    const sizes: number[] = [];
    blocks.start();
    while (blocks.next()) sizes.push(blocks.block.samples);
    return sizes;
  };
  const all = ({ size: chunk, period, total }: ReturnType<typeof elementCut>): number[] => {
    const sizes: number[] = [];
    for (let at = 0; at < total; at += sizes.at(-1) as number) {
      const row = period > 0 ? Math.floor(at / period) * period + period : total;
      sizes.push(Math.min(chunk, row - at, total - at));
    }
    return sizes;
  };

  it('of class operations', () => {
    for (let i = 0; i < (whole ? 2000 : 500); i++) {
      const [outer, classes, inner] = [size(3000), size(900), size(3) === 1 ? 1 : size(5000)];
      const columns = inner > 1 || random() < 0.5;
      const cut = classCut(classes, outer, inner, columns);
      const sizes = counted(new ClassBlocks(outer, classes, inner, { whole: false, rows: !columns }));
      expect(all(cut), `${[outer, classes, inner]}`).toEqual(sizes);
      expect(chunksOf(cut)).toBe(sizes.length);
      const wider = { whole: false, rows: !columns, times: 8 };
      const blocks = new ClassBlocks(outer, classes, inner, wider);
      if (sizes.length > 1) expectWide(counted(blocks), sizes, `${[outer, classes, inner]}`);
    }
  });

  it('of elementwise operations', () => {
    for (let i = 0; i < (whole ? 2000 : 500); i++) {
      const [middle, inner] = [size(2000), size(60_000)];
      const total = inner * (size(3000) - 1) + size(inner);
      const cut = elementCut(middle, inner, total);
      const sizes = counted(new ElementBlocks(middle, inner, total, false));
      expect(all(cut), `${[middle, inner, total]}`).toEqual(sizes);
      expect(chunksOf(cut)).toBe(sizes.length);
      const blocks = new ElementBlocks(middle, inner, total, false, undefined, 8);
      if (sizes.length > 1) expectWide(counted(blocks), sizes, `${[middle, inner, total]}`);
    }
  });
});
