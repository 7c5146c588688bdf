// Writes what of the documentation follows from the code: the reference table between the markers of README.md, docs/losses.md,
// the tables of docs/abi.md and docs/semantics.md.
//
//   node docs/table.mjs            writes them
//   node docs/table.mjs --check    exits with 1 where one is stale, or a size that README.md states is off
//
// `--check` compares sizes with dist/, so it needs a build.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { abiPage } from './abi.mjs';
import { lossesPage, SPEED } from './losses.mjs';
import { between, FAMILIES, read, root, table } from './records.mjs';
import { semanticsPage } from './specials.mjs';
import { accepts } from './targets.mjs';

/** How far a stated size may be from the measured one. */
const SIZE_SLACK = 0.05;

const row = (cells) => `| ${cells.join(' | ')} |`;

/** Defaults that go without saying: there are no weights, labels are the classes. */
const PLAIN = /^(all 1|1|none|0 … C-1)$/;

/** The options of a record with defaults that one might want to know. */
function optionCell({ options }) {
  const list = options.map(({ key, option, standard }) => {
    if (standard === undefined) return `\`${key}\` (required)`;
    const said = key === 'axis' || (PLAIN.test(standard) && option.default === undefined);
    return said ? `\`${key}\`` : `\`${key}\` ${standard.replace('-', '−')}`;
  });
  return list.join(', ') || '–';
}

const link = (name) => `[\`${name}\`](docs/losses.md#${name.toLowerCase()})`;
/** The first sentence of a doc comment, up to its formula. */
const summary = ({ text: [first] }) => first.split(/(?<=\w)[.:](?= )|; |\.$/)[0].replaceAll('|', '\\|');

function lossRow(entry, speeds) {
  const { name, record, doc } = entry;
  const ratio = speeds && [speeds[name] ? `${speeds[name].ratio}×` : '–'];
  if (!record) {
    const parameters = Object.keys(doc.params).map((key) => `\`${key}\``);
    return row([link(name), summary(doc), parameters.join(', '), '–', ...(ratio ?? [])]);
  }
  const { names, second, options } = record;
  const input = second && !(second in options) ? `{ ${names[0]}, ${second} }` : names[0];
  return row([link(name), summary(doc), `\`${input}\` → ${accepts(record)}`, optionCell(entry), ...(ratio ?? [])]);
}

/** The reference table. */
function referenceTable({ losses, activations }, speeds) {
  const ordered = Object.keys(FAMILIES).flatMap((family) => losses.filter((each) => each.family === family));
  const head = ['loss', 'is', 'input → target', 'own options (default)', ...(speeds ? ['× JS'] : [])];
  const names = activations.map(({ name, options }) => {
    return `\`${name}(input, { ${[...options.map(({ key }) => key), 'out'].join(', ')} })\``;
  });
  return [
    row(head),
    row(head.map(() => '---')),
    ...ordered.map((entry) => lossRow(entry, speeds)),
    '',
    `Activations return a tensor: ${names.join(', ')}. \`softmax.backward(gradOutput, input, options)\` and the like return the gradient.`,
  ].join('\n');
}

/** What README.md says of speed, as far as it was measured. */
function speedText(speeds) {
  if (!speeds) return '`npm run bench` compares every loss with a fused loop in plain JavaScript.';
  const ratios = Object.values(speeds).map(({ ratio }) => ratio);
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(1));
  return `The last column of [the table](#reference) says how many times faster a prepared step of the simd tier is than a fused loop in plain JavaScript, loss and gradient together: ${least} to ${most} times. [docs/speed.md](docs/speed.md) has times, shapes and the machine, C beside the losses that are used most, other tiers, and calls on arrays. Small calls on plain arrays gain less, since checking their arguments takes its time: below some 1,000 elements of \`mse\` plain JavaScript is faster. \`npm run bench\` repeats it.`;
}

/** Sizes that README.md states as "N kB minified, N kB with gzip" against those of dist/index.js. */
function sizeFaults(text) {
  const stated = /(\d+) kB minified, (\d+) kB with gzip/.exec(text);
  if (!stated) return ['README.md states no size'];
  const path = join(root, 'dist/index.js');
  if (!existsSync(path)) return ['dist/ is missing: npm run build'];
  const contents = readFileSync(path);
  const measured = [contents.length, gzipSync(contents, { level: 9 }).length].map((bytes) => bytes / 1000);
  return measured.flatMap((size, i) => {
    const said = Number(stated[i + 1]);
    const name = ['minified', 'with gzip'][i];
    if (Math.abs(said - size) <= SIZE_SLACK * size) return [];
    return [`README.md states ${said} kB ${name}, dist/index.js has ${size.toFixed(1)}`];
  });
}

const all = await table();
const speeds = existsSync(join(root, SPEED)) ? JSON.parse(read(SPEED)) : undefined;
const pages = {
  'README.md': (text) => between(between(text, 'table', referenceTable(all, speeds)), 'speed', speedText(speeds)),
  'docs/losses.md': () => lossesPage(all),
  'docs/abi.md': (text) => abiPage(text, all),
  'docs/semantics.md': (text) => semanticsPage(text, all),
};
const check = process.argv.includes('--check');
const faults = check ? sizeFaults(read('README.md')) : [];
for (const [path, write] of Object.entries(pages)) {
  const old = existsSync(join(root, path)) ? read(path) : '';
  const fresh = await write(old);
  if (fresh === old) continue;
  if (check) faults.push(`${path} is stale: node docs/table.mjs`);
  else writeFileSync(join(root, path), fresh);
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
