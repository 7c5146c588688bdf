// Parts of pages that a run writes: between marks that name the part and its command.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const urlOf = (file: string): URL => new URL(`../${file}`, import.meta.url);
const openingOf = (part: string): string => `<!-- ${part}: npm run bench -- --${part} --docs -->`;
const closingOf = (part: string): string => `<!-- /${part} -->`;

/** Puts a text where a page has the marks of a part. */
export function writePart(file: string, part: string, text: string): void {
  const [opening, closing] = [openingOf(part), closingOf(part)];
  const [before, rest = ''] = readFileSync(urlOf(file), 'utf8').split(opening);
  const after = rest.split(closing)[1];
  if (after === undefined) throw new Error(`${file}: no marks ${opening} and ${closing}`);
  writeFileSync(urlOf(file), `${before}${opening}\n\n${text}\n\n${closing}${after}`);
}

/** What the marks of a part of a page hold; only the marks where it has none yet. */
export function partOf(file: string, part: string): string {
  const [opening, closing] = [openingOf(part), closingOf(part)];
  const text = existsSync(urlOf(file)) ? readFileSync(urlOf(file), 'utf8') : '';
  const inside = text.split(opening)[1]?.split(closing)[0] ?? '\n\n';
  return `${opening}${inside}${closing}`;
}
