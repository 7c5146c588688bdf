// Writes src/generated/development.ts, the entry of the condition `development`: everything that the main entry exports, and the
// losses that apply a softmax themselves in a form that looks at their logits.

import { writeFileSync } from 'node:fs';
import { table } from '../docs/records.mjs';

/** Writes the file. */
export async function writeDevelopment(header) {
  const { losses } = await table();
  const watched = losses.filter(({ record }) => record?.walk === 'class' && record.names[0] === 'logits');
  const lines = watched.map(({ name }) => `export const ${name} = /* @__PURE__ */ watched(main.${name});\n`);
  writeFileSync(
    'src/generated/development.ts',
    `${header}import { watched } from '../development/watch.ts';
import * as main from '../index.ts';

export * from '../index.ts';
${lines.join('')}`,
  );
}
