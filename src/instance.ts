// The module: which tier runs, and its exports. Instantiated at the first call, synchronously, never at import.

import { instantiateSync } from '@assemblyscript/loader';
import { PLAN_BYTES } from './generated/plan.ts';
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
  canonicalize(address: number, count: number): void;
}

const BYTES = { scalar, simd, relaxed } as const;
/**
 * Modules of one function that uses what a tier needs, so that the tiers that do not run are never decoded:
 * i32.const 0, i8x16.splat, and for relaxed three of them into f32x4.relaxed_madd; then drop.
 */
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10];
const SPLAT = [65, 0, 253, 15];
const PROBES = {
  scalar: [0, 97, 115, 109, 1, 0, 0, 0],
  simd: [...HEAD, 9, 1, 7, 0, ...SPLAT, 26, 11],
  relaxed: [...HEAD, 20, 1, 18, 0, ...SPLAT, ...SPLAT, ...SPLAT, 253, 133, 2, 26, 11],
} as const;
const LADDER = ['relaxed', 'simd', 'scalar'] as const;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * Bytes from base64. Not by atob: Node's leaves the upper halves of AVX-512 registers in use, which halves the speed of
 * Math.exp for the rest of the process (Node 20 on an AVX-512 Xeon, measured).
 */
function decode(base64: string): Uint8Array<ArrayBuffer> {
  const digits = new Uint8Array(128);
  for (let i = 0; i < 64; i++) digits[ALPHABET.charCodeAt(i)] = i;
  const bytes = new Uint8Array((base64.length * 3) / 4 - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0));
  for (let i = 0, at = 0; i < base64.length; i += 4, at += 3) {
    let group = 0;
    for (let k = 0; k < 4; k++) group = (group << 6) | (digits[base64.charCodeAt(i + k)] as number);
    bytes[at] = group >> 16;
    bytes[at + 1] = group >> 8;
    bytes[at + 2] = group;
  }
  return bytes;
}

/** The tier that a module says it is. */
const tierOf = (kernels: Kernels): Tier => LADDER[2 - kernels.tier()] ?? 'scalar';

/** An instance of the best tier from `wanted` down that the runtime accepts, or of the module given. */
export function instantiate(wanted: Tier | 'auto', module?: WebAssembly.Module): { tier: Tier; kernels: Kernels } {
  const make = (source: WebAssembly.Module | Uint8Array<ArrayBuffer>): Kernels =>
    instantiateSync<Kernels & Record<string, unknown>>(source).exports;
  if (module) {
    const needs = WebAssembly.Module.imports(module).length > 0;
    const has = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
    const kernels = needs || !has.has('tier') || !has.has('planBytes') ? undefined : make(module);
    if (kernels?.planBytes() !== PLAN_BYTES) {
      throw new TypeError("createEngine: module is another WebAssembly.Module, expected this version's kernels");
    }
    return { tier: tierOf(kernels), kernels };
  }
  const first = wanted === 'auto' ? 0 : LADDER.indexOf(wanted);
  const tier = LADDER.slice(first).find((name) => WebAssembly.validate(Uint8Array.from(PROBES[name]))) ?? 'scalar';
  return { tier, kernels: make(decode(BYTES[tier])) };
}
