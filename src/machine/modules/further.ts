// Modules of other entries, where the host compiles bytes; for hosts that compile none the build puts none.ts in its place.

import type { Tier } from '../../values/types.ts';
import { lower } from '../lower/index.ts';
import { compile, decode } from './text.ts';

/** A module out of its text, of the simd tier or made scalar. */
export function moduleFrom(text: string, tier: Tier): WebAssembly.Module {
  const bytes = decode(text);
  return compile(tier === 'scalar' ? lower(bytes) : bytes);
}
