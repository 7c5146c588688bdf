// Writes the reference table between the markers of README.md, from the records of src/table.ts:
//
//   node docs/table.mjs            writes it
//   node docs/table.mjs --check    exits with 1 where the table is stale, or a size that README.md states is off
//
// `--check` compares sizes with dist/, so it needs a build.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const readme = join(root, 'README.md');
const START = '<!-- table: made by docs/table.mjs -->';
const END = '<!-- /table -->';
/** How far a stated size may be from the measured one. */
const SIZE_SLACK = 0.05;

const bundled = (entry, options = {}) =>
  build({ entryPoints: [join(root, entry)], bundle: true, format: 'esm', target: 'es2022', write: false, ...options });

async function records() {
  const { outputFiles } = await bundled('src/table.ts');
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

/** By what the second argument may be: how it is written, and what the mean divides by. */
const TARGETS = {
  classes: {
    accepts: 'class indices (`input` without its class axis), or class probabilities (the shape of `input`)',
    mean: ({ weight, sampleWeight }) =>
      `indices: ${weight && sampleWeight ? 'Σ weights used' : 'kept samples'}; probabilities: samples, or Σ \`sampleWeight\``,
  },
  indices: {
    accepts: 'class indices (`input` without its class axis)',
    mean: ({ sampleWeight }) => `kept samples${sampleWeight ? ', or their Σ `sampleWeight`' : ''}`,
  },
  unit: {
    accepts: 'values in [0, 1], the shape of `input`',
    mean: ({ ignoreValue }) => (ignoreValue ? 'elements not ignored' : 'elements'),
  },
  real: {
    accepts: 'values, the shape of `input`',
    mean: ({ weight }) => `elements${weight ? ', or Σ `weight`' : ''}`,
  },
};

/** What an option of each kind takes. */
const KINDS = {
  classWeights: '[C]',
  sampleWeights: 'one per sample',
  elementWeights: 'the shape of `input`',
  broadcast: 'number, or broadcast',
  axis: 'integer',
  integer: 'integer',
  unit: 'in [0, 1]',
  number: 'number',
  marker: 'number, NaN allowed',
  labels: 'C integers',
  components: 'M maps of C groups',
  componentWeights: '[M]',
};

function entryOf(entries, key, what) {
  const entry = entries[key];
  if (entry === undefined) throw new Error(`docs/table.mjs does not know ${what} ${JSON.stringify(key)}`);
  return entry;
}

const code = (text) => `\`${text.replaceAll('|', '\\|')}\``;

function optionText([name, { kind, default: standard, required }]) {
  const takes = entryOf(KINDS, kind, 'the option kind');
  return `\`${name}\`: ${takes} (${required ? 'required' : standard.replace(/ \((.*)\)$/, '; $1')})`;
}

/** The options of a record, one per line of a cell. */
const optionCell = ({ names, options }) =>
  Object.entries(options).map(optionText).join('<br>').replaceAll('`input`', `\`${names[0]}\``);

const row = (cells) => `| ${cells.join(' | ')} |`;

function lossRow([name, record]) {
  const { accepts, mean } = entryOf(TARGETS, record.target, 'the target kind');
  const second = accepts.replaceAll('`input`', `\`${record.names[0]}\``);
  return row([
    `\`${name}\``,
    `\`${record.names[0]}\` → ${second}`,
    optionCell(record),
    mean(record.options),
    code(record.formula),
  ]);
}

function activationRow([name, record]) {
  return row([`\`${name}\``, optionCell(record) || 'none', code(record.formula)]);
}

/** The text between the markers. */
async function table() {
  const { LOSSES, ACTIVATIONS } = await records();
  return [
    '',
    row(['loss', '`input` → `target`', 'own options (default)', 'the mean divides by', 'per sample or element']),
    row(Array(5).fill('---')),
    ...Object.entries(LOSSES).map(lossRow),
    '',
    row(['activation', 'own options (default)', 'per element']),
    row(Array(3).fill('---')),
    ...Object.entries(ACTIVATIONS).map(activationRow),
    '',
  ].join('\n');
}

/** Sizes that README.md states as "N kB minified, N kB gzip" against those of the bundle. */
async function sizeFaults(text) {
  const stated = /(\d+) kB minified, (\d+) kB with gzip/.exec(text);
  if (!stated) return ['README.md states no size'];
  if (!existsSync(join(root, 'dist/index.js'))) return ['dist/ is missing: npm run build'];
  const { outputFiles } = await bundled('dist/index.js', { minify: true });
  const { contents } = outputFiles[0];
  const measured = [contents.length, gzipSync(contents, { level: 9 }).length].map((bytes) => bytes / 1000);
  return measured.flatMap((size, i) => {
    const said = Number(stated[i + 1]);
    const name = ['minified', 'with gzip'][i];
    if (Math.abs(said - size) <= SIZE_SLACK * size) return [];
    return [`README.md states ${said} kB ${name}, dist/index.js has ${size.toFixed(1)}`];
  });
}

const text = readFileSync(readme, 'utf8');
const [start, end] = [text.indexOf(START), text.indexOf(END)];
if (start < 0 || end < start) throw new Error(`README.md lacks ${START} … ${END}`);
const fresh = `${text.slice(0, start + START.length)}\n${await table()}\n${text.slice(end)}`;
const faults = [];
if (process.argv.includes('--check')) {
  if (fresh !== text) faults.push('the table in README.md is stale: node docs/table.mjs');
  faults.push(...(await sizeFaults(text)));
} else if (fresh !== text) writeFileSync(readme, fresh);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
