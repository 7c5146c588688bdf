// The module of the relaxed tier out of that of the simd tier.

import { contractor } from '../../generated/wasm.ts';
import { compile } from './text.ts';

/** The exports of the module of assembly/contract.ts. */
interface Contractor {
  readonly memory: WebAssembly.Memory;
  contract(at: number, end: number, bits: number, out: number): number;
}

/** Puts multiply-adds where the bits say, as assembly/text.mjs writes them. */
export function contract(simd: Uint8Array, bits: Uint8Array): Uint8Array<ArrayBuffer> {
  const { exports } = new WebAssembly.Instance(compile(Uint8Array.from(contractor)));
  const { memory, contract } = exports as unknown as Contractor;
  memory.grow(Math.ceil((2 * simd.length + bits.length) / 65536));
  const all = new Uint8Array(memory.buffer);
  all.set(simd);
  all.set(bits, simd.length);
  const out = simd.length + bits.length;
  return all.slice(out, contract(0, simd.length, simd.length, out));
}
