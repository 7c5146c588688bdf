// The module: which tier runs, and its exports. Instantiated at the first call, synchronously, never at import.

import { instantiateSync } from '@assemblyscript/loader';
import { PLAN_BYTES } from '../generated/plan.ts';
import type { Tier } from '../values/types.ts';
import { moduleOf } from './modules/index.ts';

/** A kernel takes the address of a Plan; with scratch 0 in it, it returns the bytes of scratch that it needs. */
export type Kernel = (plan: number) => number;

/** A product of a gradient of logits: (g, other factor, out, n, c, d, distance between the rows of g, first, scratch). */
type Product = (
  ...args: [
    g: number,
    by: number,
    out: number,
    n: number,
    c: number,
    d: number,
    across: number,
    first: number,
    scratch: number,
  ]
) => void;

/** The exports of the module beside the kernels of the operations, which have the names of their records. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  heapBase(): number;
  planBytes(): number;
  /** 0 scalar, 1 simd, 2 relaxed. */
  tier(): number;
  scanSamples(plan: number): void;
  scanElements(plan: number): void;
  linearLogits(x: number, w: number, b: number, out: number, n: number, c: number, d: number, across: number): void;
  linearInput: Product;
  linearWeight: Product;
  /** Bytes of scratch that these two need. */
  linearScratch(): number;
  linearBias(g: number, sums: number, n: number, c: number, across: number, first: number): void;
  canonicalize(address: number, count: number): void;
  /** Multiplies by 2^100, so many times, or divides where `times` is below 0. */
  amplify(address: number, count: number, times: number): void;
}

/** The kernel of a record. */
export const kernelOf = (kernels: Kernels, name: string): Kernel =>
  (kernels as unknown as Readonly<Record<string, Kernel>>)[name] as Kernel;

/** What a module imports, by module and name. */
export type Imports = Record<string, Record<string, unknown>>;

export const LADDER = ['relaxed', 'simd', 'scalar'] as const;

/** The tier that a module says it is. */
const tierOf = (kernels: Kernels): Tier => LADDER[2 - kernels.tier()] ?? 'scalar';

/** An instance of the best tier from `wanted` down that the runtime accepts, or of the module given. */
export function instantiate(
  wanted: Tier | 'auto',
  given?: WebAssembly.Module,
  imports?: Imports,
): { tier: Tier; kernels: Kernels } {
  const make = (module: WebAssembly.Module): Kernels => {
    try {
      return instantiateSync<Kernels & Record<string, unknown>>(module, imports).exports;
    } catch (error) {
      // an engine that finds no address space for its memory
      if (error instanceof RangeError) throw new RangeError(`lossmith: no room for another engine (${error.message})`);
      throw error;
    }
  };
  if (given) {
    const needs = !imports && WebAssembly.Module.imports(given).length > 0;
    const has = new Set(WebAssembly.Module.exports(given).map(({ name }) => name));
    const kernels = needs || !has.has('tier') || !has.has('planBytes') ? undefined : make(given);
    if (kernels?.planBytes() !== PLAN_BYTES) {
      throw new TypeError("createEngine: module is another WebAssembly.Module, expected this version's kernels");
    }
    return { tier: tierOf(kernels), kernels };
  }
  for (const tier of LADDER.slice(wanted === 'auto' ? 0 : LADDER.indexOf(wanted))) {
    const module = moduleOf(tier);
    if (module) return { tier, kernels: make(module) };
  }
  throw new RangeError('lossmith: this runtime has no WebAssembly, which the library needs');
}
