// Modules of other entries, where the host compiles bytes; for hosts that compile none the build puts none.ts in its place.

import type { Tier } from '../../values/types.ts';
import { lower } from '../lower/index.ts';
import { compile, decode } from './text.ts';

export { leb, Reader } from '../lower/bytes.ts';
export { bytesOf } from './index.ts';
export { knows } from './probe.ts';
export { compile };

/** Makes a module whose memory threads share. */
export type Share = (bytes: Uint8Array) => Uint8Array;

/** A module out of its text, of the simd tier or made scalar. */
export function moduleFrom(text: string, tier: Tier, share?: Share): WebAssembly.Module {
  const bytes = decode(text);
  const own = tier === 'scalar' ? lower(bytes) : bytes;
  return compile(share ? (share(own) as Uint8Array<ArrayBuffer>) : own); // which are nobody else's
}
