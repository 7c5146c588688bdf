/** A copy of the sources, in which faults can be made without a trace here. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './index.ts';
import type { Mutation } from './types.ts';

const leftOut: readonly string[] = ['node_modules', '.git', 'scratch'];

/** How a command ended, and the end of what it said. */
export interface Ended {
  readonly ok: boolean;
  readonly output: string;
}

const MOST_OUTPUT = 200_000;

export class Copy {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lossmith-mutate-'));

  constructor() {
    for (const name of readdirSync(root)) {
      if (!leftOut.includes(name)) cpSync(join(root, name), join(this.#folder, name), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'), 'dir');
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Makes a fault; the answer takes it back. */
  apply({ file, from, to }: Mutation): () => void {
    const path = join(this.#folder, file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
    return () => writeFileSync(path, text);
  }

  run(command: string, args: readonly string[], seconds: number): Promise<Ended> {
    // as a user runs the tests: samples, not everything
    const { CI: _, ...env } = process.env;
    const child = spawn(command, args, {
      cwd: this.#folder,
      env: { ...env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    const keep = (text: Buffer): void => {
      output = (output + text.toString()).slice(-MOST_OUTPUT);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // what hangs is found, and so is its group of processes ended
    const late = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), 1000 * seconds);
    return new Promise((resolve) => {
      child.once('close', (code) => {
        clearTimeout(late);
        resolve({ ok: code === 0, output });
      });
    });
  }

  /** The build; without the bundles and declarations it is enough for tests that import src. */
  build(whole: boolean): Promise<Ended> {
    return this.run('node', ['assembly/build.mjs', ...(whole ? [] : ['--wasm'])], 600);
  }

  /** Runs tests, up to the first that fails; all where none are named. */
  test(names: readonly string[], without: readonly string[] = [], bail = true): Promise<Ended> {
    const files = names.map((name) => `test/${name}.test.ts`);
    const excluded = without.flatMap((file) => ['--exclude', file]);
    return this.run('npx', ['vitest', 'run', ...files, ...excluded, ...(bail ? ['--bail', '1'] : [])], 1800);
  }

  /** Kept cases and new ones, on the build. */
  fuzz(seconds: number): Promise<Ended> {
    return this.run('npx', ['tsx', 'test/fuzz/main.ts', '--seconds', String(seconds)], 60 * seconds + 600);
  }
}
