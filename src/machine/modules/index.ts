// Where the WebAssembly modules come from: the bytes of every tier are part of the bundle, so that one file is all there is
// to load. For hosts that compile no bytes, and for the entries of one tier, the build puts another file of this folder in
// its place.

import { relaxed, simd } from '../../generated/wasm.ts';
import type { Tier } from '../../values/types.ts';
import { lower } from '../lower/index.ts';
import { knows } from './probe.ts';
import { compile, decode } from './text.ts';

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

/** The bytes of the module of a tier. */
export function bytesOf(tier: Tier): Uint8Array<ArrayBuffer> {
  if (tier === 'relaxed') return patch(bytesOf('simd'), decode(relaxed));
  return tier === 'simd' ? decode(simd) : lower(bytesOf('simd'));
}

const compiled = new Map<Tier, WebAssembly.Module>();

/** The module of a tier; undefined where the runtime does not know its instructions. */
export function moduleOf(tier: Tier): WebAssembly.Module | undefined {
  if (!knows(tier)) return undefined;
  const module = compiled.get(tier) ?? compile(bytesOf(tier));
  compiled.set(tier, module);
  return module;
}
