/**
 * The constants of kernels and of heads, and other values for each, on workloads that it matters to:
 *
 *   npm run tune -- [--filter RE] [--rounds N] [--time MS]
 *
 * Builds the library with each value in a copy of its own (half a minute), then prepared steps of all of them take turns in one
 * process on the simd tier. Prints nanoseconds per element (of a head: microseconds per step), with the value that ships in
 * brackets. docs/kernels.md says what followed from it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type Large, nameOf, sizeOf, stepOf } from './large.ts';
import { median } from './median.ts';
import { callsOf, fastestOf, roundOf } from './rounds.ts';

type Library = typeof import('../src/index.ts');
type Engine = ReturnType<Library['createEngine']>;

/** A linear head: samples, features, classes. */
type Head = readonly [samples: number, features: number, classes: number];

interface Constant {
  readonly name: string;
  /** Each file that has it. */
  readonly files: readonly string[];
  readonly values: readonly number[];
  readonly calls?: readonly Large[];
  readonly heads?: readonly Head[];
}

const call = (operation: Large['operation'], ...shape: number[]): Large => ({ operation, shape });
const classes = (...shape: number[]): Large => call('crossEntropy', ...shape);

const tiled = [classes(8192, 4), classes(4096, 16), classes(1024, 64), classes(8, 3, 47), classes(16, 21, 64, 64)];
const rows = [classes(320, 205), classes(128, 1000), classes(64, 32_000)];
const heads: readonly Head[] = [
  [512, 384, 42],
  [256, 768, 1000],
  [1, 768, 1000],
];

const constants: readonly Constant[] = [
  {
    name: 'ROW_CLASSES',
    files: ['assembly/classes/walk.ts', 'src/work/blocks.ts'],
    values: [32, 96, 256],
    calls: [classes(1024, 64), classes(655, 100), classes(410, 160), ...rows.slice(0, 2)],
  },
  { name: 'RUN', files: ['assembly/classes/row.ts'], values: [4, 8, 32], calls: rows },
  { name: 'TILE_VECTORS', files: ['assembly/classes/pack.ts'], values: [4, 8], calls: tiled },
  { name: 'TILE_RUN', files: ['assembly/classes/columns.ts'], values: [8, 32], calls: tiled },
  { name: 'FAR_APART', files: ['assembly/classes/tiles.ts'], values: [256, 2 ** 30], calls: tiled.slice(-2) },
  {
    name: 'CHUNK',
    files: ['assembly/elements/walk.ts'],
    values: [8192, 131_072],
    calls: [call('mse', 1_000_000), call('bceWithLogits', 256, 1000), call('bceWithLogits', 4_000_000)],
  },
  { name: 'BLOCK', files: ['assembly/linear/dots.ts'], values: [256, 1024], heads },
  { name: 'ROWS', files: ['assembly/linear/dots.ts'], values: [64, 256], heads },
  { name: 'CHUNK', files: ['assembly/linear/outer.ts'], values: [64, 256], heads },
  { name: 'BLOCK', files: ['assembly/linear/outer.ts'], values: [3072, 12_288], heads },
];

const root = fileURLToPath(new URL('..', import.meta.url));
/** What a build reads. */
const SOURCES = ['assembly', 'docs', 'src', 'package.json', 'asconfig.json', 'tsconfig.json', 'tsconfig.build.json'];

const patternOf = (name: string): RegExp => new RegExp(`(const ${name}(?:: \\w+)? = )([\\d_]+);`);

/** The value that ships. */
function shipped({ name, files }: Constant): number {
  const found = files.map((file) => patternOf(name).exec(readFileSync(join(root, file), 'utf8'))?.[2]);
  const [value] = found;
  if (value === undefined || found.some((each) => each !== value))
    throw new Error(`${name} is ${found.join(' and ')} in ${files.join(' and ')}, expected one number`);
  return Number(value.replaceAll('_', ''));
}

/** The library with a constant of another value. */
async function build({ name, files }: Constant, value: number, folder: string): Promise<Library> {
  const copy = mkdtempSync(join(folder, `${name}-${value}-`)); // two files may have a constant of one name
  for (const source of SOURCES) cpSync(join(root, source), join(copy, source), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const file of files) {
    const path = join(copy, file);
    writeFileSync(path, readFileSync(path, 'utf8').replace(patternOf(name), `$1${value};`));
  }
  execFileSync(process.execPath, ['assembly/build.mjs'], { cwd: copy, stdio: ['ignore', 'ignore', 'inherit'] });
  return import(pathToFileURL(join(copy, 'dist', 'index.js')).href);
}

/** A prepared step of a head, on waves: what the products take does not depend on their values. */
function headOf(engine: Engine, [samples, features, outputs]: Head): () => number {
  const filled = (...shape: number[]) => {
    const tensor = engine.tensor(shape);
    tensor.data.forEach((_, i) => {
      tensor.data[i] = Math.sin(i * 1.7) / Math.sqrt(features);
    });
    return tensor;
  };
  const target = engine.from(Int32Array.from({ length: samples }, (_, i) => (7 * i) % outputs));
  const parameters = { weight: filled(outputs, features), bias: filled(outputs) };
  return engine.crossEntropy.linear.prepare(filled(samples, features), parameters, target) as () => number;
}

/** Medians of milliseconds per step; all take turns. */
function measure(steps: readonly (() => number)[], rounds: number, time: number): number[] {
  const runs = steps.map((run) => ({ run, calls: callsOf(fastestOf(run, 3 * time)), times: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < runs.length; turn++) {
      const { run, calls, times } = runs[(round + turn) % runs.length]!;
      times.push(roundOf(run, time, calls));
    }
  }
  return runs.map(({ times }) => median(times));
}

const { values: flags } = parseArgs({
  options: {
    filter: { type: 'string', default: '' },
    rounds: { type: 'string', default: '15' },
    time: { type: 'string', default: '10' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'lossmith-tune-'));
try {
  for (const constant of constants) {
    const { name, files, values, calls = [], heads: linear = [] } = constant;
    const title = `${name} (${files.map((file) => basename(file)).join(', ')}`;
    if (!new RegExp(flags.filter).test(title)) continue;
    const own = shipped(constant);
    const all = [own, ...values.filter((value) => value !== own)].sort((a, b) => a - b);
    const libraries: Library[] = [];
    for (const value of all) libraries.push(await build(constant, value, folder));
    console.log(
      `\n${title})`.padEnd(45),
      ...all.map((value) => (value === own ? `[${value}]` : `${value}`).padStart(10)),
    );
    const print = (what: string, scale: number, stepFor: (engine: Engine) => () => number): void => {
      const engines = libraries.map((library) => library.createEngine({ tier: 'simd' }));
      const times = measure(engines.map(stepFor), Number(flags.rounds), Number(flags.time));
      console.log(what.padEnd(44), ...times.map((each) => (each * scale).toFixed(2).padStart(10)));
      for (const engine of engines) engine.dispose();
    };
    for (const each of calls) print(nameOf(each), 1e6 / sizeOf(each), (engine) => stepOf(engine, each));
    for (const each of linear) print(`crossEntropy.linear [${each}]`, 1e3, (engine) => headOf(engine, each));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
