// Prints "PASSED FAILED" as read from the summary of a vitest run: `Tests  2 failed | 10 passed | 1 skipped (13)`.
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

const output = stripVTControlCharacters(readFileSync(process.argv[2], 'utf8'));
const summary = output.match(/^\s*Tests\s+.*\(\d+\)\s*$/gm)?.at(-1) ?? '';
const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
console.log(count('passed'), count('failed'));
