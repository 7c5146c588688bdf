/** Golden cases from their files, with the rule that compares them. */
import { readFileSync } from 'node:fs';
import { decodeGolden, type GoldenCase } from './rule.ts';

export * from './rule.ts';

/** All cases of test/golden/<name>.json. */
export function loadGolden(name: string): GoldenCase[] {
  return decodeGolden(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8'));
}
