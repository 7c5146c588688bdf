// The module: which tier runs, and its exports. Instantiated at the first call, synchronously, never at import.

import { instantiateSync } from '@assemblyscript/loader';
import { PLAN_BYTES } from './generated/plan.ts';
import { moduleOf } from './modules.ts';
import type { Tier } from './types.ts';

/** A kernel takes the address of a Plan. */
export type Kernel = (plan: number) => void;

/** The exports of the module. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  heapBase(): number;
  planBytes(): number;
  /** 0 scalar, 1 simd, 2 relaxed. */
  tier(): number;
  classScratch(plan: number): number;
  elementwiseScratch(plan: number): number;
  readonly crossEntropy: Kernel;
  readonly componentCrossEntropy: Kernel;
  readonly bceWithLogits: Kernel;
  readonly mse: Kernel;
  readonly softmax: Kernel;
  readonly sigmoid: Kernel;
  readonly scanIndices: Kernel;
  readonly scanUnit: Kernel;
  canonicalize(address: number, count: number): void;
}

const LADDER = ['relaxed', 'simd', 'scalar'] as const;

/** The tier that a module says it is. */
const tierOf = (kernels: Kernels): Tier => LADDER[2 - kernels.tier()] ?? 'scalar';

/** An instance of the best tier from `wanted` down that the runtime accepts, or of the module given. */
export function instantiate(wanted: Tier | 'auto', given?: WebAssembly.Module): { tier: Tier; kernels: Kernels } {
  const make = (module: WebAssembly.Module): Kernels =>
    instantiateSync<Kernels & Record<string, unknown>>(module).exports;
  if (given) {
    const needs = WebAssembly.Module.imports(given).length > 0;
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
