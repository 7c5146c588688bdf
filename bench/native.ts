import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isSparse, type Problem } from '../test/reference/index.ts';
import type { Operation } from './cases.ts';
import type { Gradients } from './contenders.ts';
import type { Station } from './station.ts';

/** What the column is called. */
export const native = 'C';

type Settings = readonly [a: number, b: number];

/** The losses of native/losses.c, with their settings. */
const settings: Readonly<Partial<Record<Operation, (problem: Problem) => Settings>>> = {
  crossEntropy: ({ inputs: { input } }) => {
    const [, classes = 1, ...rest] = input.shape;
    return [classes, rest.reduce((size, extent) => size * extent, 1)];
  },
  mse: () => [0, 0],
  l1: () => [0, 0],
  huber: ({ options: { delta = 1 } }) => [delta, 0],
  smoothL1: ({ options: { beta = 1 } }) => [beta, 0],
  bceWithLogits: () => [0, 0],
  bce: () => [0, 0],
  sigmoidFocal: ({ options: { alpha = 0.25, gamma = 2 } }) => [alpha, gamma],
};

/** Whether losses.c computes a workload: it has the loss, and whole turns of its loops. */
export function isNative(operation: Operation, problem: Problem): boolean {
  const { input, target } = problem.inputs;
  if (operation !== 'crossEntropy') return operation in settings && input.data.length % 16 === 0;
  if (target === undefined || isSparse(target) || target.data.length === input.data.length) return false;
  const [classes, inner] = settings.crossEntropy!(problem);
  if (inner !== 1) return inner % 64 === 0;
  return classes % 4 === 0 && (classes > 4 || input.data.length % 16 === 0);
}

const compilers = ['cc', 'gcc', 'clang'];
const flags = ['-O3', '-msse4.1', '-mno-avx', '-mno-recip', '-ffp-contract=off'];

/** Compiles native/losses.c into a folder, or says why not. */
export function compileNative(folder: string): { readonly program: string } | { readonly reason: string } {
  if (process.arch !== 'x64') return { reason: `losses.c is for x64, and this is ${process.arch}` };
  const source = fileURLToPath(new URL('native/losses.c', import.meta.url));
  const program = join(folder, 'losses');
  let fault = 'no C compiler (install gcc or clang: `apt install gcc`, `brew install gcc`)';
  for (const compiler of compilers) {
    const args = [
      ...flags.filter((flag) => compiler !== 'clang' || flag !== '-mno-recip'),
      source,
      '-lm',
      '-o',
      program,
    ];
    const { error, status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' });
    if (status === 0) return { program };
    if (error === undefined) fault = `${compiler}: ${stderr.trim()}`;
  }
  return { reason: fault };
}

/** A loss of losses.c with its data loaded, and what it computed. */
export interface NativeTrial {
  readonly loss: number;
  readonly gradients: Gradients;
  readonly station: Station;
}

const bytesOf = (data: Float64Array): Uint8Array => new Uint8Array(Float32Array.from(data).buffer);

/** Starts the program on a workload, with the folder as its working directory. */
export async function openNative(
  program: string,
  folder: string,
  operation: Operation,
  problem: Problem,
): Promise<NativeTrial> {
  const { input, target } = problem.inputs;
  const settingsOf = settings[operation];
  if (settingsOf === undefined || target === undefined || isSparse(target)) {
    throw new RangeError(`${operation}: losses.c has no such loss`);
  }
  writeFileSync(join(folder, 'input'), bytesOf(input.data));
  writeFileSync(join(folder, 'target'), bytesOf(target.data));
  const child = spawn(program, [], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  const ask = asker(child);
  const loss = await ask(
    `load ${operation} ${input.data.length} input target gradient ${settingsOf(problem).join(' ')}`,
  );
  const bytes = readFileSync(join(folder, 'gradient'));
  return {
    loss,
    gradients: { input: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) },
    station: stationOf(child, ask),
  };
}

const stationOf = (child: ChildProcess, ask: Ask): Station => ({
  prepare: (time) => ask(`prepare ${time}`),
  round: (time) => ask(`round ${time}`),
  close: () => child.stdin!.end(),
});

/** Starts the program on data that it draws itself. */
export async function openDrawn(
  program: string,
  command: string,
): Promise<{ readonly loss: number; readonly station: Station }> {
  const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ask = asker(child);
  return { loss: await ask(command), station: stationOf(child, ask) };
}

/** Gives the compiled program to `use`, and removes it. */
export async function withNative(use: (program: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'lossmith-native-'));
  try {
    const compiled = compileNative(folder);
    if ('reason' in compiled) throw new Error(`There is nothing to compare with: ${compiled.reason}`);
    await use(compiled.program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Ask = (command: string) => Promise<number>;

/** Sends a command and resolves to the number it is answered with. */
function asker(child: ChildProcess): Ask {
  const lines = createInterface(child.stdout!);
  return (command) =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`losses.c ended with code ${code}`));
      child.once('exit', ended);
      lines.once('line', (line) => {
        child.off('exit', ended);
        resolve(Number(line));
      });
      child.stdin!.write(`${command}\n`);
    });
}
