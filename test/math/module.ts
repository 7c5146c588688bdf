/**
 * The functions of assembly/math.ts as exports. The kernels call them inline, so a module of their own is compiled, for each
 * tier, from the same source files and with the same features as the build.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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

/** Values of one call. */
export const CHUNK = 1 << 16;

const ENTRY = 'math-entry.ts';
const source = `
import { exp, log1p, refine } from './assembly/math';
import { lanes, loadV, splat, storeV, sub } from './assembly/lane';

const INPUT: usize = (__heap_base + 15) & ~15;
const OUTPUT: usize = INPUT + ${4 * CHUNK};
export function input(): usize { return INPUT; }
export function output(): usize { return OUTPUT; }

export function fill(bits: u32, step: u32, n: i32): void {
  for (let i = 0; i < n; i++, bits += step) store<u32>(INPUT + (<usize>i << 2), bits);
}

function expOver<V>(n: i32): void {
  for (let i: usize = 0; i < <usize>n << 2; i += sizeof<V>()) storeV<V>(OUTPUT + i, exp<V>(loadV<V>(INPUT + i)));
}
function log1pOver<V>(n: i32): void {
  for (let i: usize = 0; i < <usize>n << 2; i += sizeof<V>()) storeV<V>(OUTPUT + i, log1p<V>(loadV<V>(INPUT + i)));
}
function refineOver<V>(m: f32, n: i32): void {
  const top = splat<V>(m);
  for (let i: usize = 0; i < <usize>n << 2; i += sizeof<V>()) {
    const x = loadV<V>(INPUT + i);
    const d = sub<V>(x, top);
    storeV<V>(OUTPUT + i, refine<V>(exp<V>(d), x, top, d));
  }
}
export function exp_(n: i32): void { if (ASC_FEATURE_SIMD) expOver<v128>(n); else expOver<f32>(n); }
export function log1p_(n: i32): void { if (ASC_FEATURE_SIMD) log1pOver<v128>(n); else log1pOver<f32>(n); }
export function refine_(m: f32, n: i32): void { if (ASC_FEATURE_SIMD) refineOver<v128>(m, n); else refineOver<f32>(m, n); }
`;

interface Exports {
  readonly memory: WebAssembly.Memory;
  input(): number;
  output(): number;
  fill(bits: number, step: number, n: number): void;
  exp_(n: number): void;
  log1p_(n: number): void;
  refine_(m: number, n: number): void;
}

/** One tier's functions. Each computes the first n (a multiple of 4) of `input` into `output`. */
export interface MathModule {
  readonly tier: Tier;
  readonly input: Float32Array;
  readonly output: Float32Array;
  /** Sets the first n of `input` to the float32 whose bits are `bits`, `bits` + `step` … */
  fill(bits: number, step: number, n: number): void;
  exp(n: number): void;
  log1p(n: number): void;
  /** e^(x − m), refined. */
  refine(m: number, n: number): void;
}

const FEATURES: Record<Tier, readonly string[]> = { scalar: [], simd: ['simd'], relaxed: ['simd', 'relaxed-simd'] };

/** Compiles and instantiates the functions for one tier. */
export async function mathModule(tier: Tier): Promise<MathModule> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const enable = FEATURES[tier].flatMap((feature) => ['--enable', feature]);
  const fixed = [
    '--outFile',
    'out.wasm',
    '--runtime',
    'stub',
    '--use',
    'abort=',
    '--noAssert',
    '-O1',
    '--initialMemory',
    '10',
  ];
  let bytes = new Uint8Array();
  const asc = (await import(/* @vite-ignore */ compiler)) as Compiler;
  const { error, stderr } = await asc.main([ENTRY, ...fixed, '--disableWarning', '112', ...enable], {
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
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  // the exports of the source above
  const module = exports as unknown as Exports;
  return {
    tier,
    input: new Float32Array(module.memory.buffer, module.input(), CHUNK),
    output: new Float32Array(module.memory.buffer, module.output(), CHUNK),
    fill: module.fill,
    exp: module.exp_,
    log1p: module.log1p_,
    refine: module.refine_,
  };
}
