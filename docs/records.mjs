// What the generated pages are made of: the records of src/losses with the comments on their options, the doc comments of the
// exports in src/functions, the comments above the kernels. Each is written once, where it belongs, and read from there.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const read = (path) => readFileSync(join(root, path), 'utf8');

/** The files of src/losses and of src/functions, in the order of the pages, with their headings. */
export const FAMILIES = {
  classification: 'Classification',
  binary: 'Yes or no for each element',
  distributions: 'Distributions, many labels, overlap',
  regression: 'Regression, counts, divergences by element',
  tasks: 'Several tasks',
};

/** Files of src/losses that hold no losses. */
const OTHERS = ['activations', 'index', 'options', 'record'];

/** What modules of the repository export. */
export async function load(...paths) {
  const contents = paths.map((path) => `export * from './${path}';\n`).join('');
  const options = { bundle: true, format: 'esm', target: 'es2022', write: false, logLevel: 'silent' };
  const { outputFiles } = await build({ stdin: { contents, resolveDir: root, loader: 'ts' }, ...options });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

/** The text of a comment without its marks, lines joined to paragraphs. */
const plain = (comment) =>
  comment
    .replace(/^\s*\/?\*+\/?|\*\/$/gm, '')
    .replace(/\s+/g, ' ')
    .trim();

/** The members of an object literal in source: options with their comments, and what is spread between them. */
function members(body) {
  const found = [];
  for (const [, comment, key, spread] of body.matchAll(
    /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)?\s*(?:(\w+): \w+\(|\.\.\.(\w+))/g,
  )) {
    found.push(spread ? { spread } : { key, text: comment === undefined ? '' : plain(comment) });
  }
  return found;
}

/** The comments on the options of options.ts and of a file of records, by the name of what holds them. */
function commentsOf(file) {
  const holders = new Map();
  for (const [, name, body] of read('src/losses/options.ts').matchAll(
    /^export const (\w+) = \{\n([\s\S]*?)^\} as const;/gm,
  )) {
    holders.set(name, members(body));
  }
  for (const [, name, body] of read(`src/losses/${file}.ts`).matchAll(
    /^export const (\w+) = record\(\{\n([\s\S]*?)^\}\);/gm,
  )) {
    const [, own = '', other] = /^ {2}options: (?:\{\n([\s\S]*?)^ {2}\}|(\w+)),$/m.exec(body) ?? [];
    holders.set(name, other ? [{ spread: other }] : members(own));
  }
  const expand = (name) =>
    (holders.get(name) ?? []).flatMap((each) => (each.spread ? expand(each.spread) : [[each.key, each.text]]));
  return (name) => Object.fromEntries(expand(name));
}

/** The doc comments of the exports of a file of src/functions: text, and tags with theirs. */
function exportsOf(file) {
  const found = {};
  for (const [, comment, name] of read(`src/functions/${file}.ts`).matchAll(
    /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const (\w+)\b/g,
  )) {
    const [text, ...tags] = comment
      .replace(/^\s*\* ?/gm, '')
      .trim()
      .split(/^@(?=\w)/m);
    const doc = {
      text: text
        .trim()
        .split(/\n\s*\n/)
        .map((part) => part.replace(/\s+/g, ' ')),
      params: {},
      comment,
    };
    for (const tag of tags) {
      const [, kind, rest] = /^(\w+)\s*([\s\S]*?)\s*$/.exec(tag);
      const [, param, meaning] = /^(\w+) - ([\s\S]*)$/.exec(rest) ?? [];
      if (kind === 'param') doc.params[param] = meaning.replace(/\s+/g, ' ');
      else doc[kind] = kind === 'example' ? rest : rest.replace(/\s+/g, ' ');
    }
    found[name] = doc;
  }
  return found;
}

/** The file of a kernel. */
export function kernelFile(name) {
  const alone = `assembly/losses/${name}.ts`;
  return existsSync(join(root, alone)) ? alone : `assembly/losses/${name}/index.ts`;
}

/** The comment above a kernel: what it computes, and what its parameters and operands are. */
export function kernelComment(name) {
  const [head] = read(kernelFile(name)).split(/^(?!\/\/)/m);
  const text = head.replace(/^\/\/ ?/gm, '').trim();
  const at = text.search(/\b(Parameters|Operands): /);
  return at < 0 ? { formula: text, operands: '' } : { formula: text.slice(0, at).trim(), operands: text.slice(at) };
}

/** The default of an option: what the record says, or where absence is the default the words of its comment. */
function defaultOf(name, key, option, text) {
  if (option.required) return undefined;
  const [, words] = /Default:? ((?:[^.]|\.\d)+)\.?$/.exec(text) ?? [];
  if (words === undefined) throw new Error(`${name}: the comment on option ${key} does not end with its default`);
  const said = words.replace(/^'(.*)'$/, '$1');
  const agrees = typeof option.default === 'number' ? Number(said) === option.default : said === String(option.default);
  if (option.default !== undefined && !agrees) {
    throw new Error(`${name}: the comment on option ${key} says Default ${words}, the record ${option.default}`);
  }
  return words;
}

/** The options of a record, with what they take, their comments and defaults. */
function optionsOf(record, comments, kinds) {
  const texts = comments(record.name);
  return Object.entries(record.options).map(([key, option]) => {
    const text = texts[key];
    if (!text) throw new Error(`${record.name}: option ${key} has no comment in src/losses`);
    const { takes } = kinds[option.kind];
    return { key, option, takes, text, standard: defaultOf(record.name, key, option, text) };
  });
}

/** Every loss with a record, family by family, and every activation: record, options, doc comment. */
export async function table() {
  const files = readdirSync(join(root, 'src/losses')).map((file) => file.replace('.ts', ''));
  const unknown = files.filter((file) => !OTHERS.includes(file) && !(file in FAMILIES));
  if (unknown.length > 0) throw new Error(`docs/records.mjs knows no heading for src/losses/${unknown[0]}.ts`);
  const { KINDS: kinds, DOMAINS: domains } = await load('src/arguments/kinds.ts', 'src/arguments/domains.ts');
  const entriesOf = async (file) => {
    const docs = exportsOf(file);
    if (!files.includes(file)) return Object.entries(docs).map(([name, doc]) => ({ name, doc, family: file }));
    const records = await load(`src/losses/${file}.ts`);
    const comments = commentsOf(file);
    const order = [...read(`src/losses/${file}.ts`).matchAll(/^export const (\w+) = record\(/gm)].map(
      ([, name]) => name,
    );
    return order.map((name) => {
      const record = records[name];
      if (!docs[name]) throw new Error(`${name} has no doc comment in src/functions/${file}.ts`);
      return { name, record, family: file, doc: docs[name], options: optionsOf(record, comments, kinds) };
    });
  };
  const losses = [];
  for (const file of Object.keys(FAMILIES)) losses.push(...(await entriesOf(file)));
  return { losses, activations: await entriesOf('activations'), layers: await entriesOf('linear'), domains };
}

/** A page with the text between the markers of that name replaced. */
export function between(page, name, text) {
  const [start, end] = [`<!-- ${name}: made by docs/table.mjs -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`a page lacks ${start} … ${end}`);
  return `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`;
}
