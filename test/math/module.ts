/**
 * The functions of assembly/math as exports. The kernels call them inline, so a module of their own is compiled from the same
 * source files, and its tiers are made as the build makes them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lower } from '../../src/machine/lower/index.ts';
import type { Tier } from '../../src/values/types.ts';

/** What is used of the compiler. Its own types declare AssemblyScript's globals, which clash with those of Node. */
interface Compiler {
  main(
    argv: readonly string[],
    files: {
      readFile(name: string): string | null;
      writeFile(name: string, contents: Uint8Array | string): void;
      listFiles(folder: string): string[];
    },
  ): Promise<{ error: Error | null; stderr: { toString(): string } }>;
}
const compiler = 'assemblyscript/asc';

/** The part of the build that makes the relaxed tier. */
interface Optimizer {
  optimize(binary: Uint8Array): { simd: Uint8Array; relaxed: Uint8Array };
}
const optimizer = '../../assembly/optimize.mjs';

/** Values of one call. */
export const CHUNK = 1 << 16;

/** What is computed of each value x, and of numbers a: AssemblyScript. */
const FUNCTIONS = {
  exp: 'exp(x)',
  expAny: 'expAny(x)',
  refine: 'refine(exp(sub(x, splat(<f32>a))), x, splat(<f32>a), sub(x, splat(<f32>a)))',
  expm1: 'expm1(x)',
  tanh: 'tanh(x)',
  log1p: 'log1p(x)',
  log: 'log(x)',
  power: 'power(x, a)',
} as const;
export type MathName = keyof typeof FUNCTIONS;

const ENTRY = 'math-entry.ts';
const source = `
import { exp, expAny, refine } from './assembly/math/exp';
import { expm1, tanh } from './assembly/math/expm1';
import { log, log1p, log1pDouble } from './assembly/math/log';
import { power } from './assembly/math/pow';
import { loadV, splat, storeV, sub } from './assembly/lane/lane';

const INPUT: usize = 0x10000; // past the constants of the functions
const OUTPUT: usize = INPUT + ${4 * CHUNK};
export function tier(): i32 { return 1; }
export function input(): usize { return INPUT; }
export function output(): usize { return OUTPUT; }
export { log1pDouble };

export function fill(bits: u32, step: u32, n: i32): void {
  for (let i = 0; i < n; i++, bits += step) store<u32>(INPUT + (<usize>i << 2), bits);
}
${Object.entries(FUNCTIONS)
  .map(
    ([name, of]) => `export function ${name}_(n: i32, a: f64): void {
  for (let at: usize = 0; at < <usize>n << 2; at += 16) {
    const x = loadV(INPUT + at);
    storeV(OUTPUT + at, ${of});
  }
}`,
  )
  .join('\n')}
`;

type Over = (n: number, a: number) => void;

interface Exports extends Readonly<Record<`${MathName}_`, Over>> {
  readonly memory: WebAssembly.Memory;
  input(): number;
  output(): number;
  fill(bits: number, step: number, n: number): void;
  log1pDouble(q: number): number;
}

/** One tier's functions. */
export interface MathModule {
  readonly tier: Tier;
  readonly input: Float32Array;
  readonly output: Float32Array;
  /** Sets the first n of `input` to the float32 whose bits are `bits`, `bits` + `step` … */
  fill(bits: number, step: number, n: number): void;
  /** Computes the first n (a multiple of 4) of `input` into `output`; `a` is m of refine, the exponent of power. */
  run(name: MathName, n: number, a?: number): void;
  log1pDouble(q: number): number;
}

async function compile(): Promise<Uint8Array> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const options =
    '--outFile out.wasm --config none --runtime stub --use abort= --noAssert -O3 --initialMemory 10 --enable simd'.split(
      ' ',
    );
  let bytes = new Uint8Array();
  const asc = (await import(/* @vite-ignore */ compiler)) as Compiler;
  const { error, stderr } = await asc.main([ENTRY, ...options, '--disableWarning', '112'], {
    readFile: (name) => {
      if (name === ENTRY) return source;
      return existsSync(root + name) ? readFileSync(root + name, 'utf8') : null;
    },
    writeFile: (_, contents) => {
      if (typeof contents !== 'string') bytes = Uint8Array.from(contents);
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  return bytes;
}

function instance(tier: Tier, bytes: Uint8Array): MathModule {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)));
  // the exports of the source above
  const module = exports as unknown as Exports;
  return {
    tier,
    input: new Float32Array(module.memory.buffer, module.input(), CHUNK),
    output: new Float32Array(module.memory.buffer, module.output(), CHUNK),
    fill: module.fill,
    run: (name, n, a = 0) => module[`${name}_`](n, a),
    log1pDouble: module.log1pDouble,
  };
}

/** Compiles and instantiates the functions for each tier. */
export async function mathModules(): Promise<MathModule[]> {
  const { optimize } = (await import(/* @vite-ignore */ optimizer)) as Optimizer;
  const { simd, relaxed } = optimize(await compile());
  return [instance('scalar', lower(simd)), instance('simd', simd), instance('relaxed', relaxed)];
}
