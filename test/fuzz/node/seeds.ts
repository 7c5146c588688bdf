/** test/fuzz/seeds.json: every case that ever failed, tried again before anything else. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Report } from '../run.ts';

export interface Entry {
  readonly campaign: string;
  /** What it found when it was found. */
  readonly found: string;
  readonly seed: number;
  readonly path: string;
  readonly draw: unknown;
}

const file = fileURLToPath(new URL('../seeds.json', import.meta.url));

export const readEntries = (): readonly Entry[] => JSON.parse(readFileSync(file, 'utf8')) as Entry[];

const entryOf = ({ campaign, message, seed, path, draw }: Report): Entry => ({
  campaign,
  found: message.slice(0, 300),
  seed,
  path,
  draw,
});

/** Adds what was found; one line for each, so that a diff shows which. */
export function addEntries(reports: readonly Report[]): void {
  const known = readEntries();
  const have = new Set(known.map(({ draw }) => JSON.stringify(draw)));
  const fresh = reports.filter(({ draw }) => !have.has(JSON.stringify(draw))).map(entryOf);
  if (fresh.length === 0) return;
  const lines = [...known, ...fresh].map((entry) => `  ${JSON.stringify(entry)}`);
  writeFileSync(file, `[\n${lines.join(',\n')}\n]\n`);
}
