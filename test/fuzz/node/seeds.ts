/** test/fuzz/seeds.json: every case that ever failed, tried again before anything else. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Report } from '../run.ts';

export interface Entry {
  readonly campaign: string;
  /** Which check failed, and with what. */
  readonly check: string;
  readonly found: string;
  readonly seed: number;
  readonly path: string;
  /** Tried again with --large alone, for it needs gigabytes. */
  readonly large?: true;
  readonly draw: unknown;
}

const file = fileURLToPath(new URL('../seeds.json', import.meta.url));

export const readEntries = (): readonly Entry[] => JSON.parse(readFileSync(file, 'utf8')) as Entry[];

const entryOf = ({ campaign, check, message, seed, path, draw }: Report, large: boolean): Entry => ({
  campaign,
  check,
  found: message.slice(0, 300),
  seed,
  path,
  ...(large && { large }),
  draw,
});

/** What a draw is of. */
const opOf = (draw: unknown): unknown => {
  const { call, op } = draw as { readonly call?: { readonly op: string }; readonly op?: string };
  return call?.op ?? op;
};
const keyOf = ({ campaign, check, draw }: Entry): string => JSON.stringify([campaign, check, opOf(draw)]);

/** Adds what was found, one case of each kind: one line for each, so that a diff shows which. */
export function addEntries(reports: readonly Report[], large: boolean): void {
  const known = readEntries();
  const have = new Set(known.map(keyOf));
  const fresh = reports
    .map((report) => entryOf(report, large))
    .filter((entry) => have.size < have.add(keyOf(entry)).size);
  if (fresh.length === 0) return;
  const lines = [...known, ...fresh].map((entry) => `  ${JSON.stringify(entry)}`);
  writeFileSync(file, `[\n${lines.join(',\n')}\n]\n`);
}
