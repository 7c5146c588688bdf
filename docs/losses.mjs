// The text of docs/losses.md: a section for each loss, out of its record, the doc comment of its export, the comment above its
// kernel, the rows of docs/migration.md that name it, and docs/speed.json where the benchmark has written one. Nothing of a
// section is written here; docs/table.mjs writes the page.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FAMILIES, kernelComment, kernelFile, load, read, root } from './records.mjs';
import { denominator, failures } from './targets.mjs';

/** Where the benchmark writes what it measured. */
export const SPEED = 'docs/speed.json';

/** By what test/reference says that errors are measured in (test/golden/README.md). */
const EXACTNESS = {
  masses:
    'loss within 4·2⁻²⁴·max(1, loss); gradients within 4·2⁻²⁴ times the largest mass (target mass × weights × what scales gradients) that they are a difference of.',
  result: 'loss within 4·2⁻²⁴·max(1, loss), gradients within 4·2⁻²⁴ times the largest one.',
  terms:
    'loss and gradients within 4·2⁻²⁴ times the terms that they are a difference of (where those are more than 1 or the largest gradient).',
};

const row = (cells) => `| ${cells.join(' | ')} |`;
const escaped = (text) => text.replaceAll('|', '\\|');

/** The comment above a kernel: paragraphs, and formulas as they are. */
function computed({ formula }) {
  return formula
    .split(/\n\s*\n/)
    .map((part) => {
      const lines = part.split('\n');
      if (lines.every((line) => line.startsWith('  ')))
        return ['```text', ...lines.map((line) => line.slice(2)), '```'].join('\n');
      return part.replace(/\s+/g, ' ').replace(/\b([A-Z]) \^/g, '$1^');
    })
    .join('\n\n');
}

function optionTable(options) {
  if (options.length === 0) return 'No options of its own.';
  const rows = options.map(({ key, takes, text, standard }) => {
    const meaning = text.replace(/\.?\s*Default:? (?:[^.]|\.\d)+\.?$/, '.').replace(/([.…])\.$/, '$1');
    return row([`\`${key}\``, takes, standard ?? 'required', meaning].map(escaped));
  });
  return [row(['option', 'takes', 'default', '']), row(['---', '---', '---', '---']), ...rows].join('\n');
}

/**
 * What other libraries call a loss: the rows of the tables of docs/migration.md by the loss that their second column names, the
 * library being that of the heading above.
 */
export function counterparts(page) {
  const found = new Map();
  let library = '';
  for (const line of page.split('\n')) {
    library = /^## (.+)$/.exec(line)?.[1] ?? library;
    const [, theirs, ours, notes] = /^\| (`.+?`) \| `(\w+\(.*)` \|(?: (.*?))? \|$/.exec(line) ?? [];
    if (theirs === undefined) continue;
    const name = /^\w+/.exec(ours)[0];
    found.set(name, [...(found.get(name) ?? []), { library, theirs, ours, notes: notes?.trim() }]);
  }
  return found;
}

function elsewhere(rows) {
  const lines = rows.map(({ library, theirs, ours, notes }) => row([library, theirs, `\`${ours}\``, notes ?? '']));
  return [row(['elsewhere', '', 'here', 'differences']), row(['---', '---', '---', '---']), ...lines].join('\n');
}

/** How many times faster than plain JavaScript, as measured. */
function speedOf(name, speeds) {
  if (speeds === undefined) return undefined;
  const { shape, ratio } = speeds[name] ?? {};
  if (shape === undefined) return '**Speed:** not measured yet (`npm run bench -- --docs`).';
  return `**Speed:** ${ratio.toFixed(1)} times that of plain JavaScript, loss and gradient of [${shape.join(', ')}] in a prepared step.`;
}

/** Code that is run by .ci/snippets.mjs: by the package, and where nothing is refused by the float64 references too. */
const code = (...lines) => ['```js', ...lines, '```'].join('\n');

function section(entry, { domains, measures, rows, speeds }) {
  const { name, record, doc, options } = entry;
  const parts = [`## ${name}`, ...doc.text];
  const inputs = Object.entries(doc.params).filter(([key]) => key !== 'options');
  parts.push(inputs.map(([key, meaning]) => `- \`${key}\`: ${meaning}`).join('\n'), code(doc.example));
  if (record) {
    const kernel = record.kernel ?? name;
    const { [name]: measure } = measures;
    if (!EXACTNESS[measure]) throw new Error(`test/reference has no measure of ${name} that docs/losses.mjs knows`);
    parts.push(optionTable(options));
    parts.push(`**The mean divides by:** ${denominator(record)}.`, `**Returns:** ${doc.returns}`);
    parts.push(
      `**Computed as** (above [${kernelFile(kernel)}](../${kernelFile(kernel)})):`,
      computed(kernelComment(kernel)),
    );
    parts.push(`**How exact:** ${EXACTNESS[measure]}`);
    const speed = speedOf(name, speeds);
    if (speed) parts.push(speed);
  } else parts.push(`**Returns:** ${doc.returns}`);
  if (rows.has(name)) parts.push(elsewhere(rows.get(name)));
  if (record) parts.push('**Refused:**', code(...failures(record, domains)));
  return parts.join('\n\n');
}

const INTRODUCTION = `# Losses

Made by \`node docs/table.mjs\` out of the table in \`src/losses\`, the doc comments in \`src/functions\`, the comments above the kernels and [migration.md](migration.md); change those. Options that all losses have, forms and results are in the [README](../README.md#reference); denominators, ignoring, infinities and NaN in [semantics.md](semantics.md).

In formulas x is the input, y the target, t the target's class, w a weight, p a probability, lse(x) = log Σ e^x, sp(x) = softplus(x) = log(1 + e^x), σ the sigmoid, [c = t] 1 where that is so and else 0. Gradients are for an incoming gradient of 1 before the reduction.

*How exact* is what the tests ask of the float32 kernels: how far every case of [test/golden](../test/golden/README.md) may be from float64 (or as far as PyTorch's own float32 run was, where that is more). Bounds in ULP, units in the last place, are of the value of one element. Sums over samples or elements are float64.

*Elsewhere* is what other libraries call it; x, y, q … are those of [migration.md](migration.md). *Refused* shows how an error begins; what follows is advice.`;

const anchor = (name) => name.toLowerCase();

/** The page. */
export async function lossesPage({ losses, domains }) {
  const { references } = await load('test/reference/index.ts');
  const measures = Object.fromEntries(Object.entries(references).map(([name, { measure }]) => [name, measure]));
  const speeds = existsSync(join(root, SPEED)) ? JSON.parse(read(SPEED)) : undefined;
  const facts = { domains, measures, speeds, rows: counterparts(read('docs/migration.md')) };
  const contents = Object.entries(FAMILIES).map(([family, title]) => {
    const names = losses.filter((each) => each.family === family).map(({ name }) => `[${name}](#${anchor(name)})`);
    return `- ${title}: ${names.join(', ')}`;
  });
  return `${[INTRODUCTION, contents.join('\n'), ...losses.map((entry) => section(entry, facts))].join('\n\n')}\n`;
}
