/** The package as a user gets it: packed by npm and installed into an empty project, outside the repository. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execute } from './execute.ts';
import type { Project } from './types.ts';

/** Packs and installs, as .ci/run has it done. */
const program = fileURLToPath(new URL('../../.ci/package.mjs', import.meta.url));

function make(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Packs and installs. Who asks for a project removes it. */
export async function installPackage(): Promise<Project & { remove(): void }> {
  // macOS gives a link to the folder, and modules know their real path
  const top = realpathSync(mkdtempSync(join(tmpdir(), 'lossmith-project-')));
  const remove = (): void => rmSync(top, { recursive: true, force: true, maxRetries: 3 });
  try {
    for (const command of ['pack', 'install']) await execute(process.execPath, [program, command, top], { cwd: top });
    const folder = join(top, 'user');
    return {
      folder,
      scratch: (name) => make(join(folder, name)),
      outside: (name) => make(join(top, 'outside', name)),
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
}
