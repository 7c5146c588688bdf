// Where the WebAssembly modules come from: the bytes of every tier are part of the bundle, so that one file is all there is
// to load. For hosts that compile no bytes, and for the entries of one tier, the build puts another file of this folder in
// its place.

import { relaxed, simd } from '../../generated/wasm.ts';
import type { Tier } from '../../values/types.ts';
import { lower } from '../lower/index.ts';
import { contract } from './contract.ts';
import { knows } from './probe.ts';
import { compile, decode } from './text.ts';

/** The bytes of the module of a tier. */
export function bytesOf(tier: Tier): Uint8Array<ArrayBuffer> {
  const bytes = decode(simd);
  if (tier === 'relaxed') return contract(bytes, decode(relaxed));
  return tier === 'simd' ? bytes : lower(bytes);
}

const compiled = new Map<Tier, WebAssembly.Module>();

/** The module of a tier; undefined where the runtime does not know its instructions. */
export function moduleOf(tier: Tier): WebAssembly.Module | undefined {
  if (!knows(tier)) return undefined;
  const module = compiled.get(tier) ?? compile(bytesOf(tier));
  compiled.set(tier, module);
  return module;
}
