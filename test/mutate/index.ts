/** All faults, with their anchors checked. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { classes } from './classes.ts';
import { kernels } from './kernels.ts';
import { sources } from './sources.ts';
import type { Mutation } from './types.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export const mutations: readonly Mutation[] = [...sources, ...classes, ...kernels];

/** How often the anchor of a fault stands in its file. */
export const anchors = ({ file, from }: Mutation): number =>
  readFileSync(join(root, file), 'utf8').split(from).length - 1;

/** Faults whose anchor is not there once. */
export const adrift = (): readonly Mutation[] => mutations.filter((mutation) => anchors(mutation) !== 1);
