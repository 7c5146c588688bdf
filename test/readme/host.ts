/** The reader of docs/abi.md: a host that knows the tables of the page and no more. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

export const page = readFileSync(new URL('../../docs/abi.md', import.meta.url), 'utf8');

interface PlanField {
  readonly offset: number;
  readonly type: string;
}

/** The table of the Plan's fields. */
export const fields = new Map<string, PlanField>(
  [...page.matchAll(/^\| (\d+) \| `(\w+)` \| (f64|u32|i32) \|/gm)].map(([, offset, name, type]) => [
    name!,
    { offset: Number(offset), type: type! },
  ]),
);
/** The tables of exports and of kernels. */
const helpers = [...page.matchAll(/^\| `(\w+)` \| (?:memory|\(.*?\)(?: → i32)?) \|/gm)].map(([, name]) => name!);
const kernels = [...page.matchAll(/^\| \[`(\w+)`\]\(/gm)].map(([, name]) => name!);
export const documented = new Set([...helpers, ...kernels]);

type Exported = Record<string, (...values: number[]) => number>;

/** A host that knows the page and no more: it puts operands and Plans into memory one after the other. */
export class Host {
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

  /** Asks a kernel for its scratch, reserves that, and computes. */
  run(kernel: string): void {
    this.reserveFor(kernel);
    expect(this.call(kernel, this.plan)).toBe(0);
  }

  /** What a kernel asks for, before a scan that uses it. */
  reserveFor(kernel: string): void {
    this.set({ scratch: 0 });
    const bytes = this.call(kernel, this.plan);
    expect(bytes).toBeGreaterThan(0);
    this.set({ scratch: this.reserve(bytes) });
  }
}

/** n values between −3 and 3, exact in float32. */
export const values = (n: number, seed: number): number[] =>
  Array.from({ length: n }, (_, i) => Math.fround((((i + seed) * 7919) % 61) / 10 - 3));
export const indices = (n: number, classes: number): number[] =>
  Array.from({ length: n }, (_, i) => (i * 5 + 1) % classes);

/** Every value within 1e-5 of the largest. */
export function expectClose(actual: readonly number[], expected: ArrayLike<number>): void {
  const right = Array.from(expected);
  const bound = 1e-5 * Math.max(...right.map(Math.abs));
  expect(actual.length).toBe(right.length);
  expect(bound).toBeGreaterThan(0);
  for (const [i, value] of actual.entries()) expect(Math.abs(value - right[i]!)).toBeLessThanOrEqual(bound);
}
