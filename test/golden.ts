/** Golden cases from their files, with the rule that compares them. */
import { readdirSync, readFileSync } from 'node:fs';
import { decodeGolden, type GoldenCase } from './rule.ts';

export * from './rule.ts';

const folder = new URL('./golden/', import.meta.url);

/** Files in the folder that are no cases, and the cases that this library answers on purpose in another way. */
const others: readonly string[] = ['hashes', 'formulas', 'quirks'];

/** Names of all files of cases. */
export function goldenFiles(): string[] {
  const names = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return names
    .map((file) => file.replace('.json', ''))
    .filter((name) => !others.includes(name))
    .sort();
}

/** All cases of test/golden/<name>.json. */
export function loadGolden(name: string): GoldenCase[] {
  return decodeGolden(readFileSync(new URL(`${name}.json`, folder), 'utf8'));
}
