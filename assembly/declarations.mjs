// Writes src/generated/declarations.ts: the options of every operation and all members of an engine, each with its
// documentation. TypeScript could work these types out of the records, but editors show no comments on what is worked out.

import { writeFileSync } from 'node:fs';
import { table } from '../docs/records.mjs';

const typeName = (name) => name.charAt(0).toUpperCase() + name.slice(1);
const indented = (comment) => comment.trim().replace(/^ \*/gm, '   *');

/** The options of an operation as an interface. */
function optionsInterface({ name, options }, base) {
  const members = options.map(({ key, option, text }) => {
    const type = `OptionTypes['${option.kind}']`;
    const [mark, rest] = option.required ? ['', ''] : ['?', ' | undefined'];
    return `  /** ${text} */\n  readonly ${key}${mark}: ${type}${rest};\n`;
  });
  return `/** Own options of \`${name}\`. */
export interface ${typeName(name)}Options${base} {${members.length > 0 ? '\n' : ''}${members.join('')}}\n`;
}

/** The types of a loss: those that follow from its record, and its options by name. */
const typesInterface = ({ name, family }) => `/** The types that make up \`${name}\`. */
export interface ${typeName(name)}Types extends TypesOf<typeof ${family}.${name}> {
  options: ${typeName(name)}Options;
}\n`;

/** A member of engines: its doc comment without the example, which is for the function. */
function member({ name, family, doc }) {
  const [text] = doc.comment.split(/^ \* @example$/m);
  return `  /**\n   ${indented(text)}\n   */\n  readonly ${name}: typeof functions_${family}.${name};\n`;
}

/** Writes the file. */
export async function writeDeclarations(header) {
  const { losses, activations, layers } = await table();
  const recorded = losses.filter(({ record }) => record);
  const of = (entries) => [...new Set(entries.map(({ family }) => family))].sort();
  const imports = [
    "import type { TypesOf } from '../api/results.ts';",
    ...of([...losses, ...activations, ...layers]).map(
      (family) => `import type * as functions_${family} from '../functions/${family}.ts';`,
    ),
    ...of(recorded).map((family) => `import type * as ${family} from '../losses/${family}.ts';`),
    "import type { OptionTypes } from '../losses/record.ts';",
    "import type { EngineBase, OutOption } from '../values/types.ts';",
  ];
  const parts = [
    ...recorded.flatMap((entry) => [optionsInterface(entry, ''), typesInterface(entry)]),
    ...activations.map((entry) => optionsInterface(entry, ' extends OutOption')),
    `/** An engine: every loss and activation, on memory of its own. */
export interface Engine extends EngineBase {\n${[...losses, ...activations, ...layers].map(member).join('')}}\n`,
  ];
  writeFileSync('src/generated/declarations.ts', `${header}${imports.join('\n')}\n\n${parts.join('\n')}`);
}
