/** The package as a user gets it: packed by npm and installed into an empty project, outside the repository. */
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { packed } from './packed.ts';
import type { Project } from './types.ts';

function make(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A project of its own with the package in it. Who asks for a project removes it. */
export async function installPackage(): Promise<Project & { remove(): void }> {
  // macOS gives a link to the folder, and modules know their real path
  const top = realpathSync(mkdtempSync(join(tmpdir(), 'lossmith-project-')));
  const remove = (): void => rmSync(top, { recursive: true, force: true, maxRetries: 3 });
  try {
    const folder = join(top, 'user');
    cpSync(await packed(inject('packed')), folder, { recursive: true });
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
