/** The entries beside the main one, as they are built: they use the main module of the same condition, and never contain it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (file: string): string => readFileSync(join(root, 'dist', file), 'utf8');

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, Record<string, { default: string }>>;
};

/** What only the main module says. */
const MARK = 'this engine was disposed';

/** The modules that a bundle loads. */
const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:\bfrom|\bimport|\brequire\()\s*"([^"]+)"/g)].map(([, path]) => path as string);

describe.each(['./decide', './metrics', './threads'])('the entry %s', (entry) => {
  it('has the conditions of the main one', () => {
    const wanted = Object.keys(exports['.'] ?? {}).filter((condition) => condition !== 'development');
    expect(Object.keys(exports[entry] ?? {})).toEqual(wanted);
  });

  it.each(['workerd', 'edge-light', 'require', 'default'])('imports the main module of %s alone', (condition) => {
    const [own, main] = [exports[entry]?.[condition]?.default, exports['.']?.[condition]?.default];
    const text = read((own as string).replace('./dist/', ''));
    const taken = importsOf(text).filter((path) => !path.includes('.wasm'));
    expect(new Set(taken)).toEqual(new Set([`./${(main as string).split('/').at(-1)}`]));
    expect(text).not.toContain(MARK);
    expect(read((main as string).replace('./dist/', ''))).toContain(MARK);
  });
});

/** Modules compiled beforehand, as hosts have them that compile none. */
const compiled: Plugin = {
  name: 'compiled',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.wasm(\?module)?$/ }, ({ path, resolveDir, namespace }) =>
      namespace === 'compiled'
        ? undefined
        : { path: join(resolveDir, path.replace('?module', '')), namespace: 'compiled' },
    );
    onLoad({ filter: /.*/, namespace: 'compiled' }, ({ path }) => {
      const bytes = readFileSync(path).toString('base64');
      return { contents: `export default new Module(Uint8Array.from(atob('${bytes}'), (c) => c.charCodeAt(0)));` };
    });
  },
};

/** A tensor of an engine goes through all entries, and through kernels of lossmith/decide. */
const USE = `
const engine = createEngine({ deterministic: true, threads: 2 });
const logits = engine.from([[2.1, 0.3, -1], [0.2, 0.1, 3.3]]);
const { indices, logProbs } = topK(logits, 2);
const { loss } = crossEntropy(logits, [0, 2]);
console.log(JSON.stringify([[...indices.data], [...logProbs.data], loss, accuracy(indices, [[0, 1], [2, 1]]), engine.stats().liveTensors]));
logits.free();
`;
const NAMES = [
  ['crossEntropy', 'lossmith'],
  ['createEngine', 'lossmith/threads'],
  ['topK', 'lossmith/decide'],
  ['accuracy', 'lossmith/metrics'],
];

describe('a program of all entries', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lossmith-entries-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (args: readonly string[], cwd = root): string => {
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout.trim();
  };
  const esm = NAMES.map(([names, from]) => `import { ${names} } from '${from}';`).join('\n') + USE;
  const commonJs = NAMES.map(([names, from]) => `const { ${names} } = require('${from}');`).join('\n') + USE;
  /** As the package's own files see it: Node finds it by its name. */
  const direct = (code: string, kind: string, ...more: string[]): string =>
    run([`--input-type=${kind}`, ...more, '--eval', code]);

  /** Bundled for a host that compiles nothing itself. */
  async function bundled(condition: string): Promise<string> {
    const { outputFiles } = await build({
      stdin: { contents: esm, resolveDir: root },
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      target: 'es2022',
      conditions: [condition],
      plugins: [compiled],
      write: false,
    });
    const text = outputFiles[0]?.text ?? '';
    expect(text.split(MARK)).toHaveLength(2);
    // nothing else may compile
    const forbid = `const { Module } = WebAssembly;
WebAssembly.Module = new Proxy(Module, { construct() { throw new Error('no code generation'); } });\n`;
    const file = join(folder, `${condition}.mjs`);
    writeFileSync(file, forbid + text);
    // hosts of compiled modules know relaxed SIMD; Node 20 has it behind a flag, with which the tests run
    return run([...process.execArgv.filter((flag) => flag.includes('relaxed-simd')), file], folder);
  }

  const ways: readonly (readonly [string, () => string | Promise<string>])[] = [
    ['CommonJS', () => direct(commonJs, 'commonjs')],
    ['the condition development', () => direct(esm, 'module', '--conditions=development')],
    ['the condition workerd', () => bundled('workerd')],
    ['the condition edge-light', () => bundled('edge-light')],
  ];

  it.each(ways)('answers alike under %s', async (_, answer) => {
    const wanted = direct(esm, 'module');
    expect(JSON.parse(wanted)).toMatchObject([[0, 1, 2, 0], { length: 4 }, expect.closeTo(0.136618, 6), { sum: 3 }, 1]);
    expect(await answer()).toBe(wanted);
  });
});
