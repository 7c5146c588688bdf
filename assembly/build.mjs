// Builds everything that is not in git: the three tiers of the kernels, src/generated (their bytes, the layout of a
// Plan, and the declarations that follow from the table), and dist (bundles, types, the .wasm files). Run it with `npm run build`.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { minifySync } from 'rolldown/utils';
import { writeDeclarations } from './declarations.mjs';
import { writeDevelopment } from './development.mjs';
import { optimize, optimizeSimd } from './optimize.mjs';
import { encode } from './text.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
/** The JavaScript that bundles may use. */
const TARGET = 'es2022';
const HEADER = '// Made by assembly/build.mjs; not in git.\n';
const config = JSON.parse(readFileSync('asconfig.json', 'utf8'));

/** The kernels: files of assembly/losses, or folders with an index, each of which exports a function of its own name. */
const kernels = readdirSync('assembly/losses')
  .map((name) => name.replace(/\.ts$/, ''))
  .sort();

/** The compiler's entry. */
function writeEntry() {
  const exported = kernels.map((name) => {
    const path = existsSync(`assembly/losses/${name}.ts`) ? name : `${name}/index`;
    return `export { ${name} } from '../losses/${path}';\n`;
  });
  mkdirSync('assembly/generated', { recursive: true });
  writeFileSync('assembly/generated/index.ts', `${HEADER}export * from '../exports';\n${exported.join('')}`);
}

/** Runs the compiler; any diagnostic, warnings included, ends the build. */
function asc(...args) {
  const command = ['node_modules/assemblyscript/bin/asc.js', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  if (status !== 0 || /WARNING|ERROR/.test(stdout + stderr)) throw new Error(`asc ${args[0]}:\n${stdout}${stderr}`);
}

/** Compiles the kernels: the simd tier, and the relaxed one out of it. */
function compile() {
  asc('--config', 'asconfig.json', '--target', 'simd');
  const tiers = optimize(readFileSync(config.targets.simd.outFile));
  for (const [tier, bytes] of Object.entries(tiers)) writeFileSync(`dist/wasm/${tier}.wasm`, bytes);
  return tiers;
}

/** What makes scalar modules: simd ones without SIMD, as src/machine/lower makes them where a runtime has none. */
async function lowering() {
  const { outputFiles } = await build({
    entryPoints: ['src/machine/lower/index.ts'],
    bundle: true,
    format: 'esm',
    write: false,
  });
  const { lower } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  );
  return (simd) => Buffer.from(lower(simd));
}

/** Compiles a file of assembly/ by itself. */
function compileAlone(path, options) {
  const outFile = join(mkdtempSync(join(tmpdir(), 'lossmith-')), 'module.wasm');
  const common = '--config none -O3 --converge --noAssert --runtime stub --use abort='.split(' ');
  asc(path, '-o', outFile, ...common, ...options.split(' '));
  const bytes = readFileSync(outFile);
  rmSync(dirname(outFile), { recursive: true });
  return bytes;
}

/** Bytes behind the data of an engine's module that are kept for those of lossmith/decide. */
const ROOM = 4096;

/** Compiles the kernels of lossmith/decide. They run in the memory of an engine, where their own data come behind those of its module. */
function compileDecide(simd) {
  const { exports: main } = new WebAssembly.Instance(new WebAssembly.Module(simd));
  const base = main.heapBase();
  const options = `--enable simd --shrinkLevel 1 --importMemory --initialMemory 1 --memoryBase ${base} --disableWarning 112`;
  const bytes = optimizeSimd(compileAlone('assembly/decide/index.ts', options));
  const env = { memory: new WebAssembly.Memory({ initial: 1 }) };
  const end = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env }).exports.dataEnd();
  if (end > base + ROOM) throw new Error(`the data of lossmith/decide take ${end - base} bytes, more than ${ROOM}`);
  return bytes;
}

/** Reads the fields of Plan and lays them out as the compiler does: in order, each aligned to its size. */
function planLayout() {
  const source = readFileSync('assembly/plan.ts', 'utf8');
  const body = source.slice(source.indexOf('class Plan {'));
  const sizes = { f64: 8, usize: 4, i32: 4, u32: 4 };
  const fields = {};
  const doubles = [];
  let offset = 0;
  for (const [, name, type] of body.slice(0, body.indexOf('\n}')).matchAll(/^ {2}(\w+): (f64|usize|i32|u32);/gm)) {
    const size = sizes[type];
    offset = Math.ceil(offset / size) * size;
    fields[name] = offset / size;
    if (type === 'f64') doubles.push(`'${name}'`);
    offset += size;
  }
  return { fields, doubles, bytes: offset };
}

/** The exported constants of plan.ts. */
function planFlags() {
  const source = readFileSync('assembly/plan.ts', 'utf8');
  return Object.fromEntries([...source.matchAll(/^export const (\w+): u32 = (\d+);/gm)].map(([, k, v]) => [k, +v]));
}

function generate(binaries, decide) {
  const { fields, doubles, bytes } = planLayout();
  const module = new WebAssembly.Instance(new WebAssembly.Module(binaries.simd));
  const expected = module.exports.planBytes();
  if (expected !== bytes) throw new Error(`Plan: ${bytes} bytes by its fields, ${expected} by the compiler`);
  mkdirSync('src/generated', { recursive: true });
  writeFileSync(
    'src/generated/plan.ts',
    `${HEADER}/** Bytes of a Plan. */\nexport const PLAN_BYTES = ${bytes};\n
/** Bytes behind the module's data that are kept for those of lossmith/decide. */
export const ROOM = ${ROOM};

/** Index of each field of a Plan: in float64 units for float64 fields, in 4-byte units for the others. */
export const PLAN = ${JSON.stringify(fields)} as const;\n
/** The float64 fields of a Plan. */
export type DoubleName = ${doubles.join(' | ')};\n
/** Flags of a Plan. */\nexport const FLAGS = ${JSON.stringify(planFlags())} as const;\n`,
  );
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  writeFileSync(
    'src/generated/version.ts',
    `${HEADER}/** The package's version. */\nexport const VERSION = '${version}';\n`,
  );
  const { codes, texts, write } = encode(binaries);
  const lines = Object.entries(texts).map(([tier, text]) => `export const ${tier}: string = '${text}';\n`);
  for (const [name, path] of Object.entries({ decoder: 'assembly/decode.ts', contractor: 'assembly/contract.ts' })) {
    const bytes = compileAlone(path, '--initialMemory 2');
    lines.push(`/** The module of ${path}. */\nexport const ${name} = [${[...bytes].join()}] as const;\n`);
  }
  writeFileSync(
    'src/generated/wasm.ts',
    `${HEADER}/** How bytes are written below. */\nexport const CODES = ${JSON.stringify(codes)} as const;\n${lines.join('')}`,
  );
  writeFileSync(
    'src/generated/decide.ts',
    `${HEADER}/** The kernels of lossmith/decide, in the codes of wasm.ts. */\nexport const decide: string = '${write(decide)}';\n`,
  );
}

/** What the helpers of lossmith/threads run, as text: a variable `helper`. */
async function writeWorker() {
  const { outputFiles } = await build({
    entryPoints: ['src/threads/worker.ts'],
    bundle: true,
    minify: true,
    format: 'iife',
    globalName: 'helper',
    target: TARGET,
    charset: 'ascii',
    write: false,
  });
  const text = JSON.stringify(outputFiles[0].text.trim());
  writeFileSync(
    'src/generated/worker.ts',
    `${HEADER}/** The program of src/threads/worker.ts. */\nexport const program: string = ${text};\n`,
  );
}

/** The entries, by the files of src/machine/modules from which they take their modules. */
const ENTRIES = {
  index: 'index',
  workerd: 'workerd',
  edge: 'edge',
  simd: 'simd',
  'simd.workerd': 'simd.workerd',
  'simd.edge': 'simd.edge',
};

const modulesFrom = (file, folder = 'machine') => ({
  name: 'modules',
  setup: (build) => {
    const at = (name) => ({ path: join(root, 'src', folder, 'modules', `${name}.ts`) });
    build.onResolve({ filter: /^\.\/modules\/index\.ts$/ }, () => at(file));
    // the other entries import the main one, and under host conditions modules that are compiled
    build.onResolve({ filter: /\/modules\/further\.ts$/ }, () => at(file === 'index' ? 'further' : 'none'));
  },
});

/**
 * Writes a bundle, smaller by a second minifier, which knows more rules than the bundler's (3 % of gzipped JavaScript). Modules as
 * text go to its front: gzip looks back 32 KiB, so that amid the code they would part what is alike. The places where errors
 * leave the library (src/values/guard.ts) get lines of their own: Node prints the line beside them. All is ASCII: text beyond
 * Latin-1 would make engines hold the whole file in two bytes a character.
 */
function writeBundle({ path, text }, module) {
  // the bundler's helper for namespaces takes what is enumerable on Object.prototype for exports
  const own = text.replaceAll(
    /for\(var (\w+) in (\w+)\)(?=\w+\(\w+,\1,\{get:\2\[\1\])/g,
    'for(var $1 of Object.keys($2))',
  );
  const codegen = { removeWhitespace: true, asciiOnly: true };
  const options = { module, compress: { target: TARGET }, mangle: { toplevel: true }, codegen };
  const { code, errors } = minifySync(path, own, options);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`);
  const texts = [];
  const rest = code.replaceAll(/(["'`])[^"'`\\]{10000,}\1/g, (literal) => `$text${texts.push(literal) - 1}`);
  const front = texts.map((literal, i) => `const $text${i}=${literal};`).join('');
  const whole = rest.replace(/^("use strict";)?/, (start) => start + front);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, whole.replaceAll(/throw [\w$]+\(([\w$]+),[\w$]+\),\1(?=\})/g, '\n$&\n'));
}

/** The loader writes Object.hasOwn where there is none; a library writes no globals, and hosts that freeze them would not load it. */
const noPolyfill = {
  name: 'no polyfill',
  setup: (build) =>
    build.onLoad({ filter: /@assemblyscript[\\/]loader[\\/]index\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const contents = text.replace(/^Object\.hasOwn = Object\.hasOwn \|\| function[\s\S]*?^};?\n/m, '');
      if (contents === text) throw new Error('the loader has no polyfill of Object.hasOwn any more');
      return { contents };
    }),
};

/** Entries beside the main one, which they import and never contain. */
const FURTHER = ['decide', 'metrics', 'threads'];

/** Leaves the main entry outside, where the bundle finds it beside itself. */
const mainAt = (file) => ({
  name: 'main',
  setup: (build) => build.onResolve({ filter: /^(\.\.\/)+index\.ts$/ }, () => ({ path: `./${file}`, external: true })),
});

async function bundle() {
  const shared = {
    bundle: true,
    minify: true,
    target: TARGET,
    legalComments: 'none',
    charset: 'ascii',
    external: ['./wasm/*'],
    inject: ['assembly/decoder.mjs'],
    define: { TextDecoder: 'LateDecoder' },
  };
  const emit = async (entry, options) => {
    // hosts that import modules know no CommonJS
    for (const format of /workerd|edge/.test(entry) ? ['esm'] : ['esm', 'cjs']) {
      const outfile = `dist/${format === 'cjs' ? 'cjs/' : ''}${entry}.js`;
      const { outputFiles } = await build({
        ...shared,
        ...options,
        plugins: [...options.plugins, noPolyfill],
        format,
        outfile,
        write: false,
      });
      writeBundle(outputFiles[0], format === 'esm');
    }
  };
  for (const [entry, file] of Object.entries(ENTRIES)) {
    await emit(entry, { entryPoints: ['src/index.ts'], plugins: [modulesFrom(file)] });
  }
  await emit('development', { entryPoints: ['src/generated/development.ts'], plugins: [mainAt('index.js')] });
  for (const entry of FURTHER) {
    const entryPoints = [`src/${entry}/index.ts`];
    await emit(entry, { entryPoints, plugins: [mainAt('index.js'), modulesFrom('index', entry)] });
    for (const host of ['workerd', 'edge']) {
      // whose threads share nothing
      const entryPoints = [`src/${entry}/${entry === 'threads' ? 'single' : 'index'}.ts`];
      await emit(`${entry}.${host}`, { entryPoints, plugins: [mainAt(`${host}.js`), modulesFrom(host, entry)] });
    }
  }
}

/** Users without lib DOM have no WebAssembly.Module. */
const MODULE_TYPES = `declare global {
  namespace WebAssembly {
    interface Module {}
  }
}
declare const module: WebAssembly.Module;
export default module;
`;

/** Declarations beside both bundles: TypeScript takes each file as the module kind that its nearest package.json says. */
function declare() {
  for (const folder of ['dist/types', 'dist/cjs/types']) rmSync(folder, { recursive: true, force: true });
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    stdio: 'inherit',
  });
  for (const file of readdirSync('dist/types', { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue;
    const path = join('dist/types', file);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/(from '|import\(")(\.[^'"]*)\.ts(['"])/g, '$1$2.js$3'));
  }
  cpSync('dist/types', 'dist/cjs/types', { recursive: true });
  for (const tier of ['scalar', 'simd', 'relaxed']) {
    for (const end of ['d.ts', 'd.cts']) writeFileSync(`dist/wasm/${tier}.${end}`, MODULE_TYPES);
  }
  writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
}

writeEntry();
mkdirSync('dist/wasm', { recursive: true });
const binaries = compile();
const decide = compileDecide(binaries.simd);
const lower = await lowering();
writeFileSync('dist/wasm/scalar.wasm', lower(binaries.simd));
writeFileSync('dist/wasm/decide.wasm', decide);
writeFileSync('dist/wasm/decide.scalar.wasm', lower(decide));
generate(binaries, decide);
await writeWorker();
await writeDeclarations(HEADER);
await writeDevelopment(HEADER);
if (!process.argv.includes('--wasm')) {
  await bundle();
  declare();
}
