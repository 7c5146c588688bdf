// The module: which tier runs, and its exports. Instantiated at the first call, synchronously, never at import.

import { instantiateSync } from '@assemblyscript/loader';
import { relaxed, scalar, simd } from './generated/wasm.ts';
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
}

const BYTES = { scalar, simd, relaxed } as const;
const LADDER = ['relaxed', 'simd', 'scalar'] as const;

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The tier that a module says it is. */
const tierOf = (kernels: Kernels): Tier => LADDER[2 - kernels.tier()] ?? 'scalar';

/** An instance of the best tier from `wanted` down that the runtime accepts, or of the module given. */
export function instantiate(wanted: Tier | 'auto', module?: WebAssembly.Module): { tier: Tier; kernels: Kernels } {
  const make = (source: WebAssembly.Module | Uint8Array<ArrayBuffer>): Kernels =>
    instantiateSync<Kernels & Record<string, unknown>>(source).exports;
  if (module) {
    const kernels = make(module);
    return { tier: tierOf(kernels), kernels };
  }
  const first = wanted === 'auto' ? 0 : LADDER.indexOf(wanted);
  for (const tier of LADDER.slice(first)) {
    const bytes = decode(BYTES[tier]);
    if (tier === 'scalar' || WebAssembly.validate(bytes)) return { tier, kernels: make(bytes) };
  }
  throw new TypeError('lossmith: this runtime has no WebAssembly');
}
