// What runs of parts of docs/speed.md have measured, each run putting its own over what was there: docs/measured.json.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { writePart } from './marks.ts';

/** The parts of docs/speed.md that have a flag of their own, in order. */
export const parts = ['engines', 'threads', 'first', 'sizes'] as const;
export type Part = (typeof parts)[number];

/** What the flags say to a part. */
export interface Options {
  readonly filter: string;
  readonly rounds: number;
  /** Milliseconds of a contender in a round. */
  readonly time: number;
  readonly docs: boolean;
}

const file = new URL('../docs/measured.json', import.meta.url);

const all = (): Record<string, unknown> => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {});

/** What is known of a part, by what it was measured on. */
export const measured = <T>(part: Part): Readonly<Record<string, T>> =>
  (all()[part] ?? {}) as Readonly<Record<string, T>>;

/** Keeps what is known of a part now, and writes the page's section of it. */
export function record<T>(
  part: Part,
  known: Readonly<Record<string, T>>,
  section: (known: Readonly<Record<string, T>>) => string,
): void {
  writeFileSync(file, `${JSON.stringify({ ...all(), [part]: known }, undefined, 1)}\n`);
  writePart('docs/speed.md', part, section(known));
}
