// Writes what of the documentation follows from the code: the reference table between the markers of README.md, docs/losses.md and
// the tables of docs/abi.md.
//
//   node docs/table.mjs            writes them
//   node docs/table.mjs --check    exits with 1 where one is stale, or a size that README.md states is off
//
// `--check` compares sizes with dist/, so it needs a build.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { abiPage } from './abi.mjs';
import { lossesPage } from './losses.mjs';
import { between, FAMILIES, read, root, table } from './records.mjs';
import { accepts, denominator } from './targets.mjs';

/** How far a stated size may be from the measured one. */
const SIZE_SLACK = 0.05;

const row = (cells) => `| ${cells.join(' | ')} |`;

/** The options of a record, one per line of a cell. */
function optionCell({ record, options }) {
  const lines = options.map(({ key, takes, standard }) => {
    const short = takes
      .replace(/^an? (finite )?/, '')
      .replace(/ or a tensor of the shape of .*/, ' or [*shape*], [*shape* but the last], […, 1]');
    return `\`${key}\`: ${short} (${standard ?? 'required'})`;
  });
  return lines.join('<br>').replaceAll('`input`', `\`${record.names[0]}\``) || '–';
}

const link = (name) => `[\`${name}\`](docs/losses.md#${name.toLowerCase()})`;

function lossRow({ name, record, doc, options }) {
  if (!record)
    return row([
      link(name),
      Object.keys(doc.params)
        .map((key) => `\`${key}\``)
        .join(', '),
      '–',
      'a sum',
    ]);
  const first =
    record.second && !(record.second in record.options) ? `{ ${record.names[0]}, ${record.second} }` : record.names[0];
  return row([link(name), `\`${first}\` → ${accepts(record)}`, optionCell({ record, options }), denominator(record)]);
}

/** The reference table. */
function referenceTable({ losses, activations }) {
  const rows = Object.keys(FAMILIES).flatMap((family) => losses.filter((each) => each.family === family).map(lossRow));
  return [
    row(['loss', '`input` → `target`', 'own options (default)', 'the mean divides by']),
    row(Array(4).fill('---')),
    ...rows,
    '',
    row(['activation', 'own options (default)', '']),
    row(Array(3).fill('---')),
    ...activations.map((each) => row([`\`${each.name}\``, optionCell(each), each.doc.text[0].split('. `')[0]])),
  ].join('\n');
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
const pages = {
  'README.md': (text) => between(text, 'table', referenceTable(all)),
  'docs/losses.md': () => lossesPage(all),
  'docs/abi.md': (text) => abiPage(text, all),
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
