/**
 * The packed and installed package, once for all test files of a run: the first that asks makes it in a folder of the run, others
 * wait. vitest.config.ts names this file as its global set-up, which makes the folder and removes it.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { execute } from './execute.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the run. */
    packed: string;
  }
}

/** Packs and installs, as .ci/run has it done. */
const program = fileURLToPath(new URL('../../.ci/package.mjs', import.meta.url));

export default function setUp({ provide }: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'lossmith-packed-'));
  provide('packed', folder);
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** How long another file's packing may take. */
const patience = 55_000;

/** The project of .ci/package.mjs, in the folder of the run; nobody writes there. */
export async function packed(folder: string): Promise<string> {
  const [lock, outcome] = [join(folder, 'lock'), join(folder, 'outcome')];
  let mine = true;
  try {
    mkdirSync(lock);
  } catch {
    mine = false;
  }
  if (mine) {
    let error = '';
    try {
      for (const command of ['pack', 'install'])
        await execute(process.execPath, [program, command, folder], { cwd: folder });
    } catch (reason) {
      error = String(reason);
    }
    writeFileSync(`${outcome}.new`, error);
    renameSync(`${outcome}.new`, outcome);
  }
  for (let waited = 0; !existsSync(outcome); waited += 50) {
    if (waited >= patience) throw new Error(`the package was not packed within ${patience / 1000} s`);
    await pause(50);
  }
  const error = readFileSync(outcome, 'utf8');
  if (error !== '') throw new Error(error);
  return join(folder, 'user');
}
