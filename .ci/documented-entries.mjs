// The entries beside the main one, for documented.mjs: what of their declarations an editor has to explain.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The parameters of a function whose declaration spells them; none of one that an alias declares. */
function parametersOf(declaration) {
  const [, list = ''] = /^: (?:<[^(]*>)?\(([\s\S]*?)\) =>/.exec(declaration) ?? [];
  return [...list.replace(/\{[^{}]*\}|<[^<>]*>/g, '').matchAll(/(\w+)\??: /g)].map(([, name]) => name);
}

/** Arguments for the parameters of a generic type. */
const argumentsOf = (generic) =>
  generic
    ? `<${generic
        .split(',')
        .map(() => 'never')
        .join(', ')}>`
    : '';

/** The declarations that an index exports as a whole or by their names. */
function publicTexts(folder, index) {
  const parts = [...index.matchAll(/^export (type \{([^}]*)\}|\*) from '(\.[^']*)\.js';/gm)];
  return parts.map(([, , names, path]) => ({
    text: readFileSync(join(folder, `${path}.d.ts`), 'utf8'),
    names: names?.split(',').map((name) => name.trim()),
  }));
}

/**
 * Adds an entry to the sample: each function with its parameters, each type with its members.
 * @param sample what is hovered over
 * @param {string} folder dist/types/<entry>
 * @param {string} entry its name
 * @param {string[]} exported its runtime exports
 */
export function addEntry(sample, folder, entry, exported) {
  const parts = publicTexts(folder, readFileSync(join(folder, 'index.d.ts'), 'utf8'));
  const all = parts.map(({ text }) => text).join('\n');
  sample.add(`import * as ${entry}_ from 'lossmith/${entry}';`);
  for (const name of exported) {
    const declaration = new RegExp(`^export declare const ${name}(:[\\s\\S]*?);$`, 'm').exec(all)?.[1] ?? '';
    const parameters = parametersOf(declaration).map((each) => `*@param* \`${each}\``);
    sample.add(`${entry}_.‹${name}›;`, `${entry}.${name}`, [
      '*@param*',
      '*@returns*',
      '*@throws*',
      '*@example*',
      ...parameters,
    ]);
  }
  for (const { text, names } of parts) {
    for (const [, name, generic, body] of text.matchAll(/^export interface (\w+)(<[^{]*>)?[^{]*\{\n([\s\S]*?)^\}/gm)) {
      if (names && !names.includes(name)) continue;
      sample.add(`export type { ‹${name}› as ${entry}_${name} } from 'lossmith/${entry}';`, `type ${name}`);
      sample.add(`declare const ${entry}${name}: ${entry}_.${name}${argumentsOf(generic)};`);
      for (const [, key] of body.matchAll(/^ {4}(?:readonly )?(\w+)\??[:(<]/gm)) {
        sample.add(`${entry}${name}.‹${key}›;`, `${key} of ${name}`);
      }
    }
  }
}
