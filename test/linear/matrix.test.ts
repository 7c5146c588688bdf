/**
 * The matrix products of linear heads, by their raw exports, against float64: tails of every size, rows apart, sums that
 * go on, and the same bits however rows, classes and columns are cut.
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Tensor64, tensor64, unit } from '../reference/index.ts';
import { type LinearOperands, linear, linearBack } from '../reference/linear.ts';
import { below, type Random, randomFrom } from '../reference/random.ts';
import { tiers } from '../tiers.ts';

/** Rows or classes after which a sum is added to the result: cuts at multiples of it change no bit. */
const CHUNK = 128;
const PAGE = 65536;
/** Fills what nobody may write, and what nobody may use. */
const CANARY = 0xffdecade;

type Exports = Readonly<Record<string, (...values: number[]) => number>> & { readonly memory: WebAssembly.Memory };

/** A module with blocks of its memory, the first of which ends where the memory ends. */
class Machine {
  readonly exported: Exports;
  #end: number;

  constructor(module: WebAssembly.Module) {
    this.exported = new WebAssembly.Instance(module).exports as Exports;
    this.#end = 0;
    this.clear(PAGE);
  }

  /** Forgets all blocks, for new ones of so many bytes. */
  clear(bytes: number): void {
    const { memory, heapBase } = this.exported;
    const missing = Math.ceil((heapBase!() + bytes) / PAGE) - memory.buffer.byteLength / PAGE;
    if (missing > 0) memory.grow(missing);
    this.#end = memory.buffer.byteLength;
    new Uint32Array(memory.buffer, Math.ceil(heapBase!() / 4) * 4).fill(CANARY);
  }

  /** A block of bytes, with some that belong to nobody above it. */
  block(bytes: number): number {
    const start = Math.floor((this.#end - bytes) / 8) * 8;
    this.#end = start - 40;
    return start;
  }

  /** A matrix whose rows are `step` floats apart. */
  place({ data, shape: [rows = 0, columns = 0] }: Tensor64, step = columns): number {
    const start = this.block(4 * rows * step - 4 * (step - columns));
    const view = new Float32Array(this.exported.memory.buffer);
    if (step === columns) view.set(data, start / 4);
    else for (let i = 0; i < rows; i++) view.set(data.subarray(i * columns, (i + 1) * columns), start / 4 + i * step);
    return start;
  }

  /** The matrix at an address; the rest of each row must be as it was. */
  read(start: number, rows: number, columns: number, step = columns): Float32Array {
    const { buffer } = this.exported.memory;
    if (step === columns) return new Float32Array(buffer, start, rows * columns).slice();
    const got = new Float32Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      const row = start + 4 * i * step;
      got.set(new Float32Array(buffer, row, columns), i * columns);
      const behind = i + 1 < rows ? step - columns : 0;
      expect(new Uint32Array(buffer, row + 4 * columns, behind).every((bits) => bits === CANARY)).toBe(true);
    }
    return got;
  }

  /** Whether the words on both sides of a block are as they were. */
  expectIntact(start: number, bytes: number): void {
    const { buffer } = this.exported.memory;
    const words = (at: number) => new Uint32Array(buffer, at, at < buffer.byteLength ? 1 : 0);
    for (const word of [...words(start - 4), ...words(start + 4 * Math.ceil(bytes / 4))]) expect(word).toBe(CANARY);
  }
}

const matrix = (rows: number, columns: number, value: () => number): Tensor64 =>
  tensor64(Float32Array.from({ length: rows * columns }, value), [rows, columns]);
const absolute = ({ data, shape }: Tensor64): Tensor64 => ({ data: data.map(Math.abs), shape });

/** One problem: operands, a gradient of the logits, and what the results start from. */
interface Problem {
  readonly n: number;
  readonly c: number;
  readonly d: number;
  readonly operands: LinearOperands & { readonly bias: Tensor64 };
  readonly g: Tensor64;
}

function drawProblem(random: Random, n: number, c: number, d: number): Problem {
  const value = () => Math.fround((random() - 0.3) * 2 ** below(random, 4));
  const operands = { features: matrix(n, d, value), weight: matrix(c, d, value), bias: matrix(1, c, value) };
  return { n, c, d, operands, g: matrix(n, c, value) };
}

/** Values against float64: 4 units of 2^-24 times √terms of the sum of the terms' sizes. */
function expectSums(what: string, got: ArrayLike<number>, truth: Tensor64, scale: Tensor64, terms: number): void {
  const bound = 4 * unit * Math.sqrt(terms);
  expect(got.length, what).toBe(truth.data.length);
  for (const [i, wanted] of truth.data.entries()) {
    const error = Math.abs(got[i]! - wanted);
    if (!(error <= bound * scale.data[i]!))
      expect.fail(`${what}[${i}] is ${got[i]}, expected ${wanted}: error ${error}`);
  }
}

const plus = (a: Tensor64, b: Tensor64): Tensor64 => ({ data: a.data.map((v, i) => v + b.data[i]!), shape: a.shape });

/** The logits, by the kernel; `steps`: floats from one row to the next, beyond a row. */
function logitsOf(machine: Machine, { n, c, d, operands }: Problem, gap = 0, biased = true): Float32Array {
  machine.clear(4 * ((n + c) * d + n * (c + gap) + c) + 400);
  const [x, w] = [machine.place(operands.features), machine.place(operands.weight)];
  const b = biased ? machine.place(operands.bias) : 0;
  const bytes = 4 * (n * (c + gap) - gap);
  const out = machine.block(bytes);
  machine.exported.linearLogits!(x, w, b, out, n, c, d, c + gap);
  machine.expectIntact(out, bytes);
  return machine.read(out, n, c, c + gap);
}

interface Gradients {
  readonly weight: Float32Array;
  readonly input: Float32Array;
  readonly bias: Float64Array;
}

/** The three gradients, `cuts` saying where rows and classes are cut, on top of `start` where there is one. */
function gradientsOf(
  machine: Machine,
  { n, c, d, operands, g }: Problem,
  { gap = 0, rows = [0, n], classes = [0, c], start }: GradientOptions = {},
): Gradients {
  const { exported } = machine;
  const scratchBytes = exported.linearScratch!();
  machine.clear(4 * (2 * (n + c) * d + n * (c + gap) + 2 * c) + scratchBytes + 400);
  const [from, x] = [machine.place(g, c + gap), machine.place(operands.features)];
  const w = machine.place(operands.weight);
  const weight = start ? machine.place(start.weight) : machine.block(4 * c * d);
  const input = start ? machine.place(start.input) : machine.block(4 * n * d);
  const sums = machine.block(8 * c);
  const scratch = machine.block(scratchBytes);
  const doubles = () => new Float64Array(exported.memory.buffer, sums, c);
  if (start) doubles().set(start.bias.data);
  const first = start ? 0 : 1;
  for (const [i, row] of rows.slice(0, -1).entries()) {
    const count = rows[i + 1]! - row;
    const block = from + 4 * row * (c + gap);
    const fresh = i === 0 ? first : 0;
    exported.linearBias!(block, sums, count, c, c + gap, fresh);
    for (const [k, column] of classes.slice(0, -1).entries()) {
      const width = classes[k + 1]! - column;
      const [part, matrixAt] = [block + 4 * column, 4 * column * d];
      exported.linearWeight!(part, x + 4 * row * d, weight + matrixAt, count, width, d, c + gap, fresh, scratch);
      exported.linearInput!(
        part,
        w + matrixAt,
        input + 4 * row * d,
        count,
        width,
        d,
        c + gap,
        k === 0 ? first : 0,
        scratch,
      );
    }
  }
  const outputs = [
    [weight, 4 * c * d],
    [input, 4 * n * d],
    [sums, 8 * c],
    [scratch, scratchBytes],
  ] as const;
  for (const [at, bytes] of outputs) machine.expectIntact(at, bytes);
  return { weight: machine.read(weight, c, d), input: machine.read(input, n, d), bias: doubles().slice() };
}

interface GradientOptions {
  readonly gap?: number;
  readonly rows?: readonly number[];
  readonly classes?: readonly number[];
  readonly start?: { readonly weight: Tensor64; readonly input: Tensor64; readonly bias: Tensor64 };
}

/** Where `n` is cut: at random multiples of a step. */
function cutsOf(random: Random, n: number, step: number): number[] {
  const inner = Array.from({ length: below(random, 4) }, () => step * below(random, Math.ceil(n / step)));
  return [...new Set([0, ...inner, n])].sort((a, b) => a - b);
}

const size = fc.integer({ min: 1, max: 70 });
const gaps = fc.constantFrom(0, 0, 1, 3, 16);

describe.each(tiers)('the %s module', (tier) => {
  const module = new WebAssembly.Module(readFileSync(new URL(`../../dist/wasm/${tier}.wasm`, import.meta.url)));
  const machine = new Machine(module);

  test('logits of every size', () => {
    fc.assert(
      fc.property(size, size, size, gaps, fc.boolean(), fc.nat(), (n, c, d, gap, biased, seed) => {
        const problem = drawProblem(randomFrom(seed), n, c, d);
        const { features, weight, bias } = problem.operands;
        const own = biased ? bias : undefined;
        const truth = linear({ features, weight, bias: own });
        const sizes = [absolute(features), absolute(weight), own && absolute(own)] as const;
        const scale = linear({ features: sizes[0], weight: sizes[1], bias: sizes[2] });
        expectSums('logits', logitsOf(machine, problem, gap, biased), truth, scale, d + 1);
      }),
      { numRuns: 60 },
    );
  });

  test('gradients of every size, that start anew and that go on', () => {
    fc.assert(
      fc.property(size, size, size, gaps, fc.boolean(), fc.nat(), (n, c, d, gap, fresh, seed) => {
        const random = randomFrom(seed);
        const problem = drawProblem(random, n, c, d);
        const { operands, g } = problem;
        const { features, weight, bias } = operands;
        const positive = { features: absolute(features), weight: absolute(weight), bias: absolute(bias) };
        const value = () => (fresh ? 0 : random() - 0.5);
        const start = { weight: matrix(c, d, value), input: matrix(n, d, value), bias: matrix(1, c, value) };
        const got = gradientsOf(machine, problem, fresh ? { gap } : { gap, start });
        const [truth, scale] = [linearBack(g, operands), linearBack(absolute(g), positive)];
        for (const [name, terms] of [
          ['weight', n + 1],
          ['bias', n + 1],
          ['input', c + 1],
        ] as const) {
          const [own, bounds] = [plus(truth[name]!, start[name]), plus(scale[name]!, absolute(start[name]))];
          expectSums(name, got[name], own, bounds, terms);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('the same bits wherever rows and classes are cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 300 }), fc.nat(), (n, c, seed) => {
        const random = randomFrom(seed);
        const problem = drawProblem(random, n, c, 1 + below(random, 40));
        const whole = gradientsOf(machine, problem);
        const options = { rows: cutsOf(random, n, CHUNK), classes: cutsOf(random, c, CHUNK), gap: below(random, 3) };
        const cut = gradientsOf(machine, problem, options);
        for (const name of ['weight', 'bias', 'input'] as const) expect(cut[name], name).toEqual(whole[name]);
      }),
      { numRuns: 25 },
    );
  });

  test('the same bits whatever else is computed', () => {
    // a range of rows, classes or columns alone: another place in the tiles of a kernel, or another way through it
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 600 }), fc.nat(), (n, c, d, seed) => {
        const random = randomFrom(seed);
        const problem = drawProblem(random, n, c, d);
        const [[row, rows], [column, columns]] = [rangeOf(random, n), rangeOf(random, c)];
        const part = cutOut(problem, [row, rows], [column, columns]);
        const [logits, some] = [logitsOf(machine, problem), logitsOf(machine, part)];
        for (let i = 0; i < rows; i++) {
          const from = (row + i) * c + column;
          expect(some.slice(i * columns, (i + 1) * columns)).toEqual(logits.slice(from, from + columns));
        }
        const [all, ofRows] = [
          gradientsOf(machine, problem),
          gradientsOf(machine, cutOut(problem, [row, rows], [0, c])),
        ];
        expect(ofRows.input).toEqual(all.input.slice(row * d, (row + rows) * d));
        const ofClasses = gradientsOf(machine, cutOut(problem, [0, n], [column, columns]));
        expect(ofClasses.weight).toEqual(all.weight.slice(column * d, (column + columns) * d));
        expect(ofClasses.bias).toEqual(all.bias.slice(column, column + columns));
      }),
      { numRuns: 25 },
    );
  });

  test('without terms: zeros where a result starts anew, else what stood there', () => {
    const problem = drawProblem(randomFrom(1), 5, 3, 20);
    const noRows = cutOut(problem, [0, 0], [0, 3]);
    const noClasses = cutOut(problem, [0, 5], [0, 0]);
    const start = { weight: problem.operands.weight, bias: problem.operands.bias, input: problem.operands.features };
    expect(gradientsOf(machine, noRows).weight).toEqual(new Float32Array(60));
    expect(gradientsOf(machine, noRows).bias).toEqual(new Float64Array(3));
    expect(gradientsOf(machine, noClasses).input).toEqual(new Float32Array(100));
    const kept = gradientsOf(machine, noRows, { start: { ...start, input: matrix(0, 20, () => 0) } });
    expect([...kept.weight]).toEqual([...start.weight.data]);
    expect([...kept.bias]).toEqual([...start.bias.data]);
    const noColumns = { ...problem, d: 0, operands: { ...problem.operands, ...empty(5, 3) } };
    const biases = [...problem.operands.bias.data];
    expect([...logitsOf(machine, noColumns)]).toEqual(Array.from({ length: 5 }, () => biases).flat());
    expect(logitsOf(machine, noRows)).toEqual(new Float32Array(0));
  });

  test('a sum over a million equal terms is as exact as one over random ones', () => {
    const n = 1e6;
    for (const [g, x] of [
      [0.1, 1],
      [0.3, 0.7],
      [1 / 3, 1 / 7],
    ].map((pair) => pair.map(Math.fround) as [number, number])) {
      const column = (value: number) => matrix(n, 1, () => value);
      const operands = { features: column(x), weight: matrix(1, 1, () => 1), bias: matrix(1, 1, () => 0) };
      const got = gradientsOf(machine, { n, c: 1, d: 1, operands, g: column(g) });
      const bound = 4 * unit * Math.sqrt(n) * n;
      expect(Math.abs(got.weight[0]! - n * g * x)).toBeLessThanOrEqual(bound * g * x);
      expect(Math.abs(got.bias[0]! - n * g)).toBeLessThanOrEqual(unit * n * g);
    }
  });
});

/** Features and weights of no columns. */
const empty = (n: number, c: number) => ({ features: matrix(n, 0, () => 0), weight: matrix(c, 0, () => 0) });

/** A first index and a count. */
function rangeOf(random: Random, n: number): [first: number, count: number] {
  const first = below(random, n);
  return [first, 1 + below(random, n - first)];
}

/** A problem of some rows and some classes. */
function cutOut(
  { d, operands, g }: Problem,
  [row, n]: readonly [number, number],
  [column, c]: readonly [number, number],
): Problem {
  const pick = ({ data, shape: [, width = 0] }: Tensor64, top: number, rows: number, left: number, columns: number) =>
    tensor64(
      Array.from(
        { length: rows * columns },
        (_, i) => data[(top + Math.floor(i / columns)) * width + left + (i % columns)]!,
      ),
      [rows, columns],
    );
  const { features, weight, bias } = operands;
  return {
    ...{ n, c, d },
    operands: {
      features: pick(features, row, n, 0, d),
      weight: pick(weight, column, c, 0, d),
      bias: pick(bias, 0, 1, column, c),
    },
    g: pick(g, row, n, column, c),
  };
}
