/** test/fuzz/seeds.json: every case that ever failed, tried again before anything else. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Report } from '../run.ts';
import type { CallDraw } from '../types.ts';

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

/** By what cases of one kind are known: what failed, the function, and which options it had. */
function keyOf({ campaign, check, draw }: Entry): string {
  const { call, attack, actions } = draw as { call?: CallDraw; attack?: string; actions?: readonly { act?: string }[] };
  const { op, options = {}, reduction, target } = call ?? (draw as Partial<CallDraw>);
  const own = [op, Object.keys(options).sort(), reduction === 'none', target?.what, target?.ignored];
  return JSON.stringify([campaign, check, own, attack, actions?.map(({ act }) => act)]);
}

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
