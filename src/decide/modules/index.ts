// Where the kernels come from: their bytes are part of the bundle. For hosts that compile no bytes the build puts another file of
// this folder in its place.

import { decide } from '../../generated/decide.ts';
import { internals as lib } from '../../index.ts';
import type { Share } from '../../machine/modules/further.ts';
import type { Tier } from '../../values/types.ts';

/** The module for an engine of a tier. */
export const moduleOf = (tier: Tier, share?: Share): WebAssembly.Module => lib.moduleFrom(decide, tier, share);
