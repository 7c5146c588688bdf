// Where the WebAssembly modules come from: the bytes of every tier are part of the bundle, so that one file is all there is
// to load. For hosts that compile no bytes the build puts another file of the same exports in this place
// (modules.workerd.ts, modules.edge.ts).

import { CODES, decoder, relaxed, simd } from '../generated/wasm.ts';
import type { Tier } from '../values/types.ts';
import { lower } from './lower/index.ts';

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

/** Compiles bytes that are right, so that only a policy can be against it. */
function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    const remedy = "where a Content-Security-Policy forbids it, script-src needs 'wasm-unsafe-eval'";
    throw new Error(`lossmith: WebAssembly was not compiled (${reason}); ${remedy}`, { cause });
  }
}

/** The exports of the decoder. */
interface Decoder {
  readonly memory: WebAssembly.Memory;
  decode(at: number, end: number, out: number, singles: number, size: number): number;
}

/**
 * Bytes from text: frequent bytes are one character, others two, as assembly/text.mjs writes them. (Not base64 by `atob`:
 * on some processors that one halves the speed of Math.exp for as long as the process lives.)
 */
function decode(text: string): Uint8Array<ArrayBuffer> {
  const { bytes, alphabet, singles } = CODES;
  const { exports } = new WebAssembly.Instance(compile(Uint8Array.from(decoder)));
  const { memory, decode } = exports as unknown as Decoder;
  memory.grow(text.length >> 15); // room for the text and as many bytes
  const all = new Uint8Array(memory.buffer);
  for (let i = 0; i < alphabet.length; i++) all[alphabet.charCodeAt(i)] = i;
  for (let i = 0; i < 256; i++) all[128 + i] = Number.parseInt(bytes.slice(2 * i, 2 * i + 2), 16);
  const start = 128 + 256;
  const end = start + new TextEncoder().encodeInto(text, all.subarray(start)).written;
  return all.slice(end, decode(start, end, end, singles, alphabet.length));
}

/** The bytes that differ from `base` as `difference` says: new bytes and stretches of the base in turn. */
function patch(base: Uint8Array<ArrayBuffer>, difference: Uint8Array): Uint8Array<ArrayBuffer> {
  const patched = new Uint8Array(2 * base.length + difference.length);
  let size = 0;
  let at = 0;
  let from = 0;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = difference[at++] as number;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const append = (bytes: Uint8Array): void => {
    patched.set(bytes, size);
    size += bytes.length;
  };
  while (at < difference.length) {
    const fresh = number();
    append(difference.subarray(at, at + fresh));
    at += fresh;
    if (at === difference.length) break;
    const length = number();
    const step = number();
    from += step & 1 ? -(step + 1) / 2 : step / 2;
    append(base.subarray(from, from + length));
    from += length;
  }
  return patched.slice(0, size);
}

function bytesOf(tier: Tier): Uint8Array<ArrayBuffer> {
  if (tier === 'relaxed') return patch(bytesOf('simd'), decode(relaxed));
  return tier === 'simd' ? decode(simd) : lower(bytesOf('simd'));
}

const compiled = new Map<Tier, WebAssembly.Module>();

/** The module of a tier; undefined where the runtime does not know its instructions. */
export function moduleOf(tier: Tier): WebAssembly.Module | undefined {
  if (!WebAssembly.validate(Uint8Array.from(PROBES[tier]))) return undefined;
  const module = compiled.get(tier) ?? compile(bytesOf(tier));
  compiled.set(tier, module);
  return module;
}
