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

/** An instance of the best tier from `wanted` down that the runtime accepts. */
export function instantiate(wanted: Tier | 'auto'): { tier: Tier; kernels: Kernels } {
  const first = wanted === 'auto' ? 0 : LADDER.indexOf(wanted);
  for (const tier of LADDER.slice(first)) {
    const bytes = decode(BYTES[tier]);
    if (tier !== 'scalar' && !WebAssembly.validate(bytes)) continue;
    return { tier, kernels: instantiateSync<Kernels & Record<string, unknown>>(bytes).exports };
  }
  throw new TypeError('lossmith: this runtime has no WebAssembly');
}
