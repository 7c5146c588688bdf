/** The package as a user gets it: packed by npm and installed into an empty project, outside the repository. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execute } from './execute.ts';
import type { Project } from './types.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const npm = (args: readonly string[], cwd: string): Promise<string> =>
  execute('npm', [...args, '--ignore-scripts'], { cwd });

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
    const folder = make(join(top, 'project'));
    writeFileSync(join(folder, 'package.json'), '{ "name": "user", "version": "1.0.0", "private": true }\n');
    const packed = JSON.parse(await npm(['pack', '--json', '--pack-destination', top], root)) as { filename: string }[];
    const tarball = join(top, packed[0]!.filename);
    await npm(['install', '--offline', '--no-audit', '--no-fund', tarball], folder);
    const { exports } = JSON.parse(readFileSync(join(folder, 'node_modules', 'lossmith', 'package.json'), 'utf8'));
    if (exports === undefined) throw new Error('npm has not installed lossmith');
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
