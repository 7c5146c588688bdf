// What an editor shows of the package: a file that uses every export, every option, every form and every member of what is
// returned is opened in TypeScript's language server, beside the package as it is built, and each name is hovered over.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { read, table } from '../docs/records.mjs';
import { addEntry } from './documented-entries.mjs';

/** Entries with exports of their own. */
const FURTHER = ['decide', 'metrics'];
const COMMON = ['reduction', 'out', 'scale', 'emptyMean'];
const LINEAR_OPTIONS = ['outputs', 'grads', 'out', 'accumulate'];
const FORMS = {
  forward: ['input', 'target', 'options'],
  backward: ['gradOutput', 'input', 'target', 'options'],
  prepare: ['input', 'target', 'options'],
};

/** The language server of the repository's TypeScript, over one folder. */
class Server {
  #child;
  #waiting = new Map();
  #rest = Buffer.alloc(0);
  #folder;

  constructor(root, folder) {
    this.#folder = folder;
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    this.#child = spawn(process.execPath, [tsc, '--lsp', '--stdio'], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#child.stdout.on('data', (data) => this.#receive(data));
    this.#child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the language server ended'));
    });
  }

  #receive(data) {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#rest.subarray(0, end).toString())[1]);
      if (this.#rest.length < end + 4 + length) return;
      const message = JSON.parse(this.#rest.subarray(end + 4, end + 4 + length).toString());
      this.#rest = this.#rest.subarray(end + 4 + length);
      if (message.method && message.id !== undefined) this.#send({ id: message.id, result: this.#answer(message) });
      else if (message.id !== undefined) this.#settle(message);
    }
  }

  /** What the server asks of its editor: settings, of which there are none. */
  #answer({ method, params }) {
    return method === 'workspace/configuration' ? params.items.map(() => null) : null;
  }

  #settle({ id, result, error }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) reject(new Error(error.message));
    else resolve(result);
  }

  #send(message) {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.#child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  ask(method, params) {
    const id = this.#waiting.size === 0 ? 1 : Math.max(...this.#waiting.keys()) + 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  async open(uri, text) {
    const rootUri = pathToFileURL(this.#folder).href;
    const capabilities = { textDocument: { hover: { contentFormat: ['markdown'] }, diagnostic: {} } };
    const workspaceFolders = [{ uri: rootUri, name: 'user' }];
    await this.ask('initialize', { processId: process.pid, rootUri, capabilities, workspaceFolders });
    this.#send({ method: 'initialized', params: {} });
    this.#send({
      method: 'textDocument/didOpen',
      params: { textDocument: { uri, languageId: 'typescript', version: 1, text } },
    });
  }

  close() {
    this.#child.kill();
  }
}

/** A program and the names in it that are to be hovered over, each with what has to be said of it. */
class Sample {
  lines = [];
  names = [];

  /** Adds a line; the name stands between ‹ and ›. */
  add(text, what, needs = []) {
    const [before, name, after] = text.split(/[‹›]/);
    if (name !== undefined) this.names.push({ line: this.lines.length, character: before.length, what, needs });
    this.lines.push(name === undefined ? text : before + name + after);
  }

  get text() {
    return this.lines.join('\n');
  }
}

const tag = (name) => `*@param* \`${name}\``;
const nameOf = (name) => name.charAt(0).toUpperCase() + name.slice(1);
/** The words by which the text of a doc comment is recognised. */
const opening = ({ text: [first] }) => first.split(/[.:`]/)[0].slice(0, 40);

/** What has to be said of an operation: the text of its doc comment, and its parameters. */
const needsOf = ({ doc }) => [opening(doc), ...Object.keys(doc.params).map(tag)];

/** The linear form of a loss: its parameters, its options, and its own forms. */
function addLinear(sample, name, required) {
  const parameters = { linear: [], ...FORMS };
  for (const [form, others] of Object.entries(parameters)) {
    const expected = form === 'linear' ? FORMS.forward : others;
    const tags = expected.flatMap((each) => (each === 'input' ? ['features', 'parameters'] : [each])).map(tag);
    const path = form === 'linear' ? '‹linear›' : `linear.‹${form}›`;
    sample.add(`package_.${name}.${path};`, `${name}.${path.replace(/[‹›]/g, '')}`, form === 'linear' ? [] : tags);
    if (form === 'linear') {
      const call = `package_.${name}.‹linear›(never, never, never, { ${required.join(', ')} });`;
      sample.add(call, `a call of ${name}.linear`, tags);
    }
  }
  sample.add(`package_.${name}.linear(never, never, never, {${required.map((each) => `${each}, `).join('')}`);
  for (const key of [...LINEAR_OPTIONS, 'reduction'])
    sample.add(`  ‹${key}›: never,`, `option ${key} of ${name}.linear`);
  sample.add('});');
}

function addLoss(sample, entry, linear) {
  const { name, record, options } = entry;
  const all = [...(options ?? []).map(({ key }) => key), ...(record ? COMMON : [])];
  const needs = needsOf(entry);
  if (!record) {
    sample.add(`package_.‹${name}›([], []);`, name, needs);
    return;
  }
  // an argument of type never fits everywhere
  const required = options.filter(({ option }) => option.required).map(({ key }) => `${key}: never`);
  sample.add(`package_.‹${name}›(never, never, { ${required.join(', ')} });`, name, needs);
  sample.add(`package_.${name}(never, never, {`);
  for (const key of all) sample.add(`  ‹${key}›: never,`, `option ${key} of ${name}`);
  sample.add('});');
  for (const [form, parameters] of Object.entries(FORMS)) {
    sample.add(`package_.${name}.‹${form}›;`, `${name}.${form}`, parameters.map(tag));
  }
  if (linear) addLinear(sample, name, required);
  sample.add(`const options${nameOf(name)}: ${nameOf(name)}Options = { ${required.join(', ')} };`);
  for (const { key } of options) sample.add(`options${nameOf(name)}.‹${key}›;`, `${key} of ${nameOf(name)}Options`);
}

function addActivation(sample, entry) {
  const { name, options } = entry;
  sample.add(`package_.‹${name}›(never, {});`, name, needsOf(entry));
  sample.add(`package_.${name}(never, {`);
  for (const key of [...options.map(({ key }) => key), 'out'])
    sample.add(`  ‹${key}›: never,`, `option ${key} of ${name}`);
  sample.add('});');
  sample.add(`package_.${name}.‹backward›;`, `${name}.backward`, ['gradOutput', 'input', 'options'].map(tag));
}

/** The members of a value, as they are at run time; of those that `needs` names, what has to be said of them. */
function addMembers(sample, expression, value, what, needs = {}) {
  const own = Object.keys(value);
  const inherited = Object.getOwnPropertyNames(Object.getPrototypeOf(value) ?? {}).filter(
    (key) => key !== 'constructor',
  );
  const inner = Object.getPrototypeOf(value) === Object.prototype || typeof value === 'function' ? [] : inherited;
  for (const key of [...own, ...inner]) sample.add(`${expression}.‹${key}›;`, `${what}.${key}`, needs[key]);
}

/** The file that uses everything. */
function sampleOf(library, { losses, activations, layers }, types) {
  const sample = new Sample();
  const names = losses.filter(({ record }) => record).map(({ name }) => `${nameOf(name)}Options`);
  sample.add(`import * as package_ from 'lossmith';`);
  sample.add(`import type { ${names.join(', ')} } from 'lossmith';`);
  sample.add('declare const never: never;');
  for (const entry of losses) addLoss(sample, entry, 'linear' in library[entry.name]);
  for (const entry of activations) addActivation(sample, entry);
  for (const entry of layers) {
    sample.add(`package_.‹${entry.name}›(never, never);`, entry.name, needsOf(entry));
    const parameters = ['gradOutput', 'features', 'parameters', 'options'];
    sample.add(`package_.${entry.name}.‹backward›;`, `${entry.name}.backward`, parameters.map(tag));
  }
  for (const name of ['tensor', 'createEngine', 'defaultEngine']) {
    const parameters = { tensor: ['source', 'shape'], createEngine: ['options'], defaultEngine: [] }[name];
    sample.add(`package_.‹${name}›;`, name, parameters.map(tag));
  }
  for (const name of [...names, ...types]) sample.add(`export type { ‹${name}› } from 'lossmith';`, `type ${name}`);
  const engine = library.createEngine();
  sample.add('const engine = package_.createEngine({');
  const engineOptions = /^const OPTIONS = \[(.*)\];$/m.exec(read('src/api/engine.ts'))[1].match(/\w+/g);
  for (const key of engineOptions) sample.add(`  ‹${key}›: never,`, `option ${key} of createEngine`);
  sample.add('});');
  const operations = [...losses, ...activations, ...layers].map((entry) => [entry.name, needsOf(entry)]);
  addMembers(sample, 'engine', engine, 'engine', Object.fromEntries(operations));
  sample.add('const place = engine.tensor([1, 2]);');
  addMembers(sample, 'place', engine.tensor([1, 2]), 'EngineTensor');
  sample.add('const stats = engine.stats();');
  addMembers(sample, 'stats', engine.stats(), 'EngineStats');
  const options = { components: [[0, 1]] };
  sample.add('const fused = package_.componentCrossEntropy([[1, 2]], [0], { components: [[0, 1]] });');
  addMembers(sample, 'fused', library.componentCrossEntropy([[1, 2]], [0], options), 'a result');
  sample.add('const gaussian = package_.gaussianNll([1], [1], { variance: [1] });');
  addMembers(sample, 'gaussian', library.gaussianNll([1], [1], { variance: [1] }), 'a result of gaussianNll');
  sample.add('const step = package_.componentCrossEntropy.prepare([[1, 2]], [0], { components: [[0, 1]] });');
  addMembers(sample, 'step', library.componentCrossEntropy.prepare([[1, 2]], [0], options), 'a step');
  const head = { weight: [[1], [2]], bias: [0, 0] };
  sample.add('const headed = package_.mse.linear([[1]], { weight: [[1], [2]], bias: [0, 0] }, [[1, 2]]);');
  addMembers(sample, 'headed', library.mse.linear([[1]], head, [[1, 2]]), 'a result of mse.linear');
  sample.add('const weighted = package_.uncertaintyWeighted([1], [1]);');
  addMembers(sample, 'weighted', library.uncertaintyWeighted([1], [1]), 'a result of uncertaintyWeighted');
  sample.add('const made = package_.tensor([1]);');
  addMembers(sample, 'made', library.tensor([1]), 'Tensor');
  return sample;
}

/** What is hovered over, without the type that stands above the text. */
const textOf = (hover) => (hover?.contents?.value ?? '').replace(/```typescript\n[\s\S]*?\n```\n?/, '').trim();

/**
 * Lists what an editor does not explain: exports, parameters, options, forms, members of engines, steps and results.
 * @param {string} root the repository
 * @param {string[]} exported names of the runtime exports
 * @returns {Promise<string[]>} one line per fault
 */
export async function undocumented(root, exported) {
  const library = await import(pathToFileURL(join(root, 'dist', 'index.js')).href);
  const all = await table();
  const declared = ['types.d.ts', 'linear.d.ts']
    .map((file) => readFileSync(join(root, 'dist', 'types', 'values', file), 'utf8'))
    .join('');
  const types = [...declared.matchAll(/^export (?:type|interface) (\w+)/gm)].map(([, name]) => name);
  const sample = sampleOf(library, all, types);
  for (const entry of FURTHER) {
    const own = Object.keys(await import(pathToFileURL(join(root, 'dist', `${entry}.js`)).href));
    addEntry(sample, join(root, 'dist', 'types', entry), entry, own);
  }
  const folder = mkdtempSync(join(tmpdir(), 'hovers-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'lossmith'), 'junction');
  const compilerOptions = { strict: true, module: 'nodenext', target: 'es2022', noEmit: true, types: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['user.mts'] }));
  writeFileSync(join(folder, 'user.mts'), sample.text);
  const uri = pathToFileURL(join(folder, 'user.mts')).href;
  const server = new Server(root, folder);
  const faults = exported
    .filter((name) => name !== 'internals' && !sample.text.includes(`package_.${name}`))
    .map((name) => `${name} is not hovered over`);
  try {
    await server.open(uri, sample.text);
    const { items } = await server.ask('textDocument/diagnostic', { textDocument: { uri } });
    const wrong = items.filter(({ severity }) => severity === 1);
    for (const { message, range } of wrong)
      faults.push(`types: ${sample.lines[range.start.line].trim()}: ${message.split('\n')[0]}`);
    for (const { line, character, what, needs } of sample.names) {
      const text = textOf(
        await server.ask('textDocument/hover', { textDocument: { uri }, position: { line, character } }),
      );
      const missing = needs.filter((part) => !text.includes(part));
      if (text === '') faults.push(`hovers: ${what} has no documentation`);
      else if (missing.length > 0) faults.push(`hovers: what is said of ${what} lacks ${missing.join(', ')}`);
    }
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return faults;
}
