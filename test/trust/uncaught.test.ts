/** What an uncaught error prints, what a host without code generation is told, and what an editor shows. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'lossmith-uncaught-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What node prints when a file throws. */
function printed(name: string, lines: readonly string[]): string {
  const file = join(folder, name);
  writeFileSync(file, lines.join('\n'));
  const { status, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  expect(status).toBe(1);
  return stderr;
}

describe('an uncaught error', () => {
  const calls = {
    'of a call': 'crossEntropy([[1, 2]], [7]); // mine',
    'of backward': "crossEntropy.backward('x', [[1, 2]], [0]); // mine",
    'of prepare': 'crossEntropy.prepare([[1, 2]], 3, { foo: 1 }); // mine',
    'of a step': 'const t = [0], step = crossEntropy.prepare([[1, 2]], t); t[0] = 5; step(); // mine',
    'of an engine': 'createEngine().tensor([1e12]); // mine',
    'of a tensor that is gone': 'const gone = createEngine().tensor([1]); gone.free(); gone.data; // mine',
  };
  const modules: Record<string, string> = {
    'index.mjs': `import { createEngine, crossEntropy } from '${dist}index.js';`,
    'index.cjs': `const { createEngine, crossEntropy } = require('${dist}cjs/index.js');`,
  };

  it.each(
    Object.entries(calls).flatMap(([what, call]) => Object.keys(modules).map((file) => [what, file, call] as const)),
  )('%s in %s is short, and its stack starts with the line of the caller', (_, name, call) => {
    const text = printed(name, [modules[name]!, '', call]);
    expect(Buffer.byteLength(text)).toBeLessThan(2048);
    const [first] = text.split('\n').filter((line) => /^ {4}at /.test(line));
    expect(first).toMatch(new RegExp(`${name.replace('.', '\\.')}:3:\\d+\\)?$`));
    expect(text).toMatch(/^(TypeError|RangeError): (crossEntropy|tensor|lossmith)/m);
  });
});

it('a policy against WebAssembly is named in our own words', () => {
  const context = vm.createContext(
    { module: { exports: {} }, TextDecoder, require: () => ({}) },
    { codeGeneration: { strings: true, wasm: false } },
  );
  const source = readFileSync(join(dist, 'cjs/index.js'), 'utf8');
  vm.runInContext(`(() => { const exports = module.exports; ${source} })()`, context);
  expect(() => vm.runInContext('module.exports.mse([1], [2])', context)).toThrow(
    /^lossmith: WebAssembly was not compiled \(.*\); where a Content-Security-Policy forbids it, script-src needs 'wasm-unsafe-eval'$/,
  );
});

describe('declarations', () => {
  const types = join(dist, 'types');
  const declarations = readFileSync(join(types, 'generated/declarations.d.ts'), 'utf8');

  it('document every option, and export the options of every loss by name', () => {
    const interfaces = [...declarations.matchAll(/export interface (\w+Options)[^{]*\{\n([\s\S]*?)^\}/gm)];
    expect(interfaces.length).toBeGreaterThan(25);
    const bare = interfaces.flatMap(([, name, body]) => {
      const members = [...body!.matchAll(/(\*\/\n)?^ {4}readonly (\w+)/gm)];
      return members.filter(([, comment]) => comment === undefined).map(([, , member]) => `${name}.${member}`);
    });
    expect(bare).toEqual([]);
  });

  it('document every method of an engine, and every parameter of its functions', () => {
    const text = readFileSync(join(types, 'values/types.d.ts'), 'utf8');
    const engine = /export interface EngineBase \{\n([\s\S]*?)^\}/m.exec(text)?.[1] ?? '';
    const names = [...engine.matchAll(/^ {4}(?:readonly )?(\w+)/gm)].map(([, name]) => name);
    expect(names).toEqual(expect.arrayContaining(['tensor', 'from', 'stats', 'dispose', 'memory']));
    const bare = names.filter(
      (name) => !new RegExp(`\\*/\\n(?: {4}${name}[^\\n]*\\n)* {4}(?:readonly )?${name}`).test(engine),
    );
    expect(bare).toEqual([]);
    for (const file of readdirSync(join(types, 'functions'))) {
      const functions = readFileSync(join(types, 'functions', file), 'utf8');
      const constants = [...functions.matchAll(/^(.*)\n^export declare const (\w+)/gm)];
      expect(constants.filter(([, before]) => before?.trim() !== '*/').map(([, , name]) => name)).toEqual([]);
    }
  });
});
