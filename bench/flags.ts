import { setFlagsFromString } from 'node:v8';

/** Lets Node 20 and 21, which have relaxed SIMD behind a flag, run the relaxed tier too. */
export function allowRelaxedSimd(): void {
  if (Number(process.versions.node.split('.')[0]) < 22) setFlagsFromString('--experimental-wasm-relaxed-simd');
}
