/**
 * The raw ABI as docs/abi.md states it: the modules in dist/wasm called by nothing but WebAssembly.instantiate and a
 * DataView, at the offsets of the page's own table, against the float64 references.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { FLAGS, PLAN, PLAN_BYTES } from '../src/generated/plan.ts';
import { type ReferenceOptions, reference, tensor64 } from './reference/index.ts';

const page = readFileSync(new URL('../docs/abi.md', import.meta.url), 'utf8');

interface PlanField {
  readonly offset: number;
  readonly type: string;
}

/** The table of the Plan's fields. */
const fields = new Map<string, PlanField>(
  [...page.matchAll(/^\| (\d+) \| `(\w+)` \| (f64|u32|i32) \|/gm)].map(([, offset, name, type]) => [
    name!,
    { offset: Number(offset), type: type! },
  ]),
);
/** The table of exports. */
const documented = [...page.matchAll(/^\| `(\w+)` \| (?:memory|\(.*?\)(?: → i32)?) \|/gm)].map(([, name]) => name!);

type Exported = Record<string, (...values: number[]) => number>;

/** A host that knows the page and no more: it puts operands and Plans into memory one after the other. */
class Host {
  readonly memory: WebAssembly.Memory;
  readonly exported: Exported;
  readonly plan: number;
  #end: number;
  #view: DataView;

  constructor({ exports }: WebAssembly.Instance) {
    this.memory = exports.memory as WebAssembly.Memory;
    this.exported = exports as Exported;
    this.#end = this.call('heapBase');
    this.#view = new DataView(this.memory.buffer);
    this.plan = this.reserve(this.call('planBytes'));
  }

  call(name: string, ...values: number[]): number {
    return this.exported[name]!(...values);
  }

  /** The address of zeroed bytes. */
  reserve(bytes: number): number {
    const at = Math.ceil(this.#end / 64) * 64;
    this.#end = at + bytes;
    const missing = this.#end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    this.#view = new DataView(this.memory.buffer);
    for (let i = at; i < this.#end; i++) this.#view.setUint8(i, 0);
    return at;
  }

  floats(values: ArrayLike<number>): number {
    const at = this.reserve(4 * values.length);
    for (let i = 0; i < values.length; i++) this.#view.setFloat32(at + 4 * i, values[i]!, true);
    return at;
  }

  integers(values: ArrayLike<number>): number {
    const at = this.reserve(4 * values.length);
    for (let i = 0; i < values.length; i++) this.#view.setInt32(at + 4 * i, values[i]!, true);
    return at;
  }

  float32(at: number, length: number): number[] {
    return Array.from({ length }, (_, i) => this.#view.getFloat32(at + 4 * i, true));
  }

  float64(at: number, length: number): number[] {
    return Array.from({ length }, (_, i) => this.#view.getFloat64(at + 8 * i, true));
  }

  set(values: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(values)) {
      const { offset, type } = fields.get(name)!;
      if (type === 'f64') this.#view.setFloat64(this.plan + offset, value, true);
      else this.#view.setInt32(this.plan + offset, value, true);
    }
  }

  get(name: string): number {
    const { offset, type } = fields.get(name)!;
    return type === 'f64'
      ? this.#view.getFloat64(this.plan + offset, true)
      : this.#view.getInt32(this.plan + offset, true);
  }

  /** Reserves the scratch of the plan. */
  scratch(kind: 'classScratch' | 'elementwiseScratch'): void {
    this.set({ scratch: this.reserve(this.call(kind, this.plan)) });
  }
}

/** n values between −3 and 3, exact in float32. */
const values = (n: number, seed: number): number[] =>
  Array.from({ length: n }, (_, i) => Math.fround((((i + seed) * 7919) % 61) / 10 - 3));
const indices = (n: number, classes: number): number[] => Array.from({ length: n }, (_, i) => (i * 5 + 1) % classes);

/** Every value within 1e-5 of the largest. */
function expectClose(actual: readonly number[], expected: ArrayLike<number>): void {
  const right = Array.from(expected);
  const bound = 1e-5 * Math.max(...right.map(Math.abs));
  expect(actual.length).toBe(right.length);
  expect(bound).toBeGreaterThan(0);
  for (const [i, value] of actual.entries()) expect(Math.abs(value - right[i]!)).toBeLessThanOrEqual(bound);
}

test('the page has every field of a Plan, its size, its flags, in order', () => {
  const sizes = new Map(
    [...fields].map(([name, { offset, type }]) => [name, type === 'f64' ? offset / 8 : offset / 4]),
  );
  expect(Object.fromEntries(sizes)).toEqual(PLAN);
  expect([...fields.keys()]).toEqual(Object.keys(PLAN));
  expect(page).toContain(`${PLAN_BYTES} bytes, little-endian`);
  expect(page).toContain(`planBytes() !== ${PLAN_BYTES}`);
  for (const [name, value] of Object.entries(FLAGS)) expect(page).toContain(`${name} = ${value} (`);
});

describe.each(['scalar', 'simd', 'relaxed'])('the %s module', (tier) => {
  const bytes = readFileSync(new URL(`../dist/wasm/${tier}.wasm`, import.meta.url));
  let host: Host;
  beforeAll(async () => {
    const { module, instance } = await WebAssembly.instantiate(bytes, {});
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    expect(
      WebAssembly.Module.exports(module)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...documented].sort());
    host = new Host(instance);
    expect(host.call('planBytes')).toBe(PLAN_BYTES);
    expect(host.call('tier')).toBe(['scalar', 'simd', 'relaxed'].indexOf(tier));
  });

  /** A Plan for class operations, its operands placed. */
  function classPlan(outer: number, classes: number, inner: number, seed: number) {
    const logits = values(outer * classes * inner, seed);
    const grad = host.reserve(4 * logits.length);
    const strides = { inputStride: inner, targetStride: inner, gradStride: inner };
    host.set(Object.fromEntries([...fields.keys()].map((name) => [name, 0])));
    host.set({ input: host.floats(logits), outer, classes, inner, ...strides, ignoreIndex: -100 });
    host.set({ weightTotal: classes });
    const shape = inner === 1 ? [outer, classes] : [outer, classes, inner];
    return { grad, logits, input: tensor64(logits, shape) };
  }

  test.each([
    [3, 5, 1],
    [4, 47, 1],
    [2, 3, 11],
  ])('crossEntropy, mean, over [%i, %i, %i]', (outer, classes, inner) => {
    const { grad, logits, input } = classPlan(outer, classes, inner, 1);
    const target = indices(outer * inner, classes);
    target[1] = -100;
    host.set({ target: host.integers(target), flags: FLAGS.INDICES });
    host.scratch('classScratch');
    host.call('scanIndices', host.plan);
    expect(host.get('bad')).toBe(-1);
    host.set({ upstream: 1 / host.get('weightSum'), grad });
    host.call('crossEntropy', host.plan);
    const labels = tensor64(target, inner === 1 ? [outer] : [outer, inner]);
    const right = reference('crossEntropy', { input, target: labels });
    expect(host.get('count')).toBe(right.count);
    expectClose([host.get('sum') / host.get('weightSum')], right.loss.data);
    expectClose(host.float32(grad, logits.length), right.grad.data);
  });

  test('crossEntropy with weights, smoothing, zLoss and one loss per sample', () => {
    const { grad, logits, input } = classPlan(6, 4, 1, 2);
    const target = indices(6, 4);
    const weight = [1, 2, 0.5, 3];
    const loss = host.reserve(24);
    host.set({ target: host.integers(target), weight: host.floats(weight), weightTotal: 6.5, loss });
    host.set({ smoothing: 0.1, zLoss: 0.01 });
    host.scratch('classScratch');
    host.call('scanIndices', host.plan);
    host.set({ upstream: 1, zUpstream: 1, grad });
    host.call('crossEntropy', host.plan);
    const options: ReferenceOptions = { weight: tensor64(weight, [4]), labelSmoothing: 0.1, zLoss: 0.01 };
    const right = reference(
      'crossEntropy',
      { input, target: tensor64(target, [6]) },
      { ...options, reduction: 'none' },
    );
    expectClose(host.float32(loss, 6), right.loss.data);
    expectClose(host.float32(grad, logits.length), right.grad.data);
    expectClose([host.get('sum') + host.get('zSum')], [right.loss.data.reduce((sum, x) => sum + x, 0)]);
  });

  test('crossEntropy of probabilities', () => {
    const { grad, logits, input } = classPlan(3, 4, 1, 3);
    const target = [0.5, 0.25, 0.25, 0, 0, 1, 0, 0, 0.125, 0.125, 0.25, 0.5];
    host.set({ target: host.floats(target), flags: 0, count: 3, weightSum: 3 });
    host.scratch('classScratch');
    host.set({ upstream: 1 / 3, grad });
    host.call('crossEntropy', host.plan);
    const right = reference('crossEntropy', { input, target: tensor64(target, [3, 4]) });
    expectClose([host.get('sum') / 3], right.loss.data);
    expectClose(host.float32(grad, logits.length), right.grad.data);
  });

  test('scanIndices names the first target that is no class', () => {
    classPlan(4, 3, 1, 4);
    host.set({ target: host.integers([0, -100, 3, -1]) });
    host.call('scanIndices', host.plan);
    expect(host.get('bad')).toBe(2);
  });

  test('componentCrossEntropy', () => {
    const { grad, logits, input } = classPlan(5, 4, 1, 5);
    const target = indices(5, 4);
    const components = [
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ];
    const weights = [2, 0.5];
    const componentSums = host.reserve(16);
    const groups = host.integers(components.flat());
    host.set({ target: host.integers(target), groups, components: 2, componentWeights: host.floats(weights) });
    host.set({ componentSums });
    host.scratch('classScratch');
    host.call('scanIndices', host.plan);
    host.set({ upstream: 1 / host.get('count'), grad });
    host.call('componentCrossEntropy', host.plan);
    const operands = { input, target: tensor64(target, [5]) };
    const right = reference('componentCrossEntropy', operands, { components, weights });
    expectClose([host.get('sum') / 5], right.loss.data);
    expectClose(host.float32(grad, logits.length), right.grad.data);
    const parts = host.float64(componentSums, 2).map((sum) => sum / 5);
    expectClose([weights[0]! * parts[0]! + weights[1]! * parts[1]!], right.loss.data);
  });

  test('softmax, forward and backward, and logSoftmax', () => {
    const { grad, logits, input } = classPlan(2, 37, 1, 6);
    host.scratch('classScratch');
    host.set({ grad });
    host.call('softmax', host.plan);
    expectClose(host.float32(grad, logits.length), reference('softmax', { input }).loss.data);
    host.set({ flags: FLAGS.LOG });
    host.call('softmax', host.plan);
    expectClose(host.float32(grad, logits.length), reference('logSoftmax', { input }).loss.data);
    const incoming = values(logits.length, 7);
    host.set({ flags: 0, target: host.floats(incoming) });
    host.call('softmax', host.plan);
    const right = reference('softmax', { input }, { gradOutput: tensor64(incoming, input.shape) });
    expectClose(host.float32(grad, logits.length), right.grad.data);
  });

  /** A Plan for an elementwise operation on 13 values: three vectors and a rest. */
  function elementPlan(seed: number) {
    const { grad, logits } = classPlan(1, 1, 13, seed);
    host.scratch('elementwiseScratch');
    return { grad, input: tensor64(logits, [13]) };
  }

  test('bceWithLogits with posWeight and a missing label', () => {
    const { grad, input } = elementPlan(8);
    const target = Array.from({ length: 13 }, (_, i) => (i === 4 ? -1 : (i % 3) / 2));
    host.set({ target: host.floats(target), flags: FLAGS.IGNORE, ignoreValue: -1, posWeight: host.floats([3]) });
    host.call('scanUnit', host.plan);
    expect(host.get('bad')).toBe(-1);
    expect(host.get('count')).toBe(12);
    host.set({ upstream: 1 / 12, grad });
    host.call('bceWithLogits', host.plan);
    const operands = { input, target: tensor64(target, [13]) };
    const right = reference('bceWithLogits', operands, { posWeight: 3, ignoreValue: -1 });
    expectClose([host.get('sum') / 12], right.loss.data);
    expectClose(host.float32(grad, 13), right.grad.data);
    host.set({ flags: 0 });
    host.call('scanUnit', host.plan);
    expect(host.get('bad')).toBe(4);
  });

  test('mse with element weights and an incoming gradient for each element', () => {
    const { grad, input } = elementPlan(9);
    const [target, weight, incoming] = [values(13, 20), values(13, 30).map(Math.abs), values(13, 40)];
    const loss = host.reserve(52);
    host.set({ target: host.floats(target), weight: host.floats(weight), weightColumn: 1, loss });
    host.set({ upstream: 1, gradOutput: host.floats(incoming), grad });
    host.call('mse', host.plan);
    const options = {
      weight: tensor64(weight, [13]),
      gradOutput: tensor64(incoming, [13]),
      reduction: 'none',
    } as const;
    const right = reference('mse', { input, target: tensor64(target, [13]) }, options);
    expectClose(host.float32(loss, 13), right.loss.data);
    expectClose(host.float32(grad, 13), right.grad.data);
  });

  test('sigmoid and logSigmoid', () => {
    const { grad, input } = elementPlan(10);
    host.set({ grad });
    host.call('sigmoid', host.plan);
    expectClose(host.float32(grad, 13), reference('sigmoid', { input }).loss.data);
    host.set({ flags: FLAGS.LOG });
    host.call('sigmoid', host.plan);
    expectClose(host.float32(grad, 13), reference('logSigmoid', { input }).loss.data);
  });

  test('canonicalize', () => {
    const at = host.floats([1, Number.NaN, 2, 3, 4]);
    new DataView(host.memory.buffer).setUint32(at + 16, 0xffc12345, true);
    host.call('canonicalize', at, 5);
    const bits = [0, 1, 4].map((i) => new DataView(host.memory.buffer).getUint32(at + 4 * i, true));
    expect(bits).toEqual([0x3f800000, 0x7fc00000, 0x7fc00000]);
  });
});
