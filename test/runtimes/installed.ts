/** Where `npm run runtimes` puts runtimes and bundlers: .ci/runtimes/node_modules. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../.ci/runtimes/', import.meta.url));
const require = createRequire(join(folder, 'package.json'));

/** The command of a package. */
export const tool = (name: string): string => join(folder, 'node_modules', '.bin', name);

/** Node of a major version: the one that runs this, where it is of that version. */
export function nodePath(major: number): string {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  return join(folder, 'node_modules', `node${major}-${process.platform}-${process.arch}`, 'bin', 'node');
}

/** The main file of a package. */
export const modulePath = (name: string): string => require.resolve(name);

/** The line that says how to install what is not there. */
export const notInstalled = (what: string): string => `${what} is not installed: npm run runtimes`;

/** That line, or undefined where the file exists. */
export const missing = (what: string, path: string): string | undefined =>
  existsSync(path) ? undefined : notInstalled(what);
