/** The reader of docs/runtimes.md: a project with the packed package, the tools that its lines call, a shell and browsers. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserName, visit } from '../runtimes/browser/browser.ts';
import { serve } from '../runtimes/browser/server.ts';
import { execute } from '../runtimes/execute.ts';
import { missing, tool } from '../runtimes/installed.ts';
import { installPackage } from '../runtimes/project.ts';

const rootModules = fileURLToPath(new URL('../../node_modules', import.meta.url));
/** Where tool() finds its commands. */
const runtimeModules = dirname(dirname(tool('any')));

/** Programs that a user has on the path, beside Node. */
const programs = ['deno', 'bun'];
/** Packages that a user has installed in the project, with their commands. */
export const bundlers: readonly string[] = ['esbuild', 'rollup', 'vite', 'webpack'];

/** What a line of the page calls and this machine lacks. */
export function missingFor(line: string): string | undefined {
  const called = [...programs, ...bundlers].filter((name) => new RegExp(`(?<![\\w./-])${name}\\b`).test(line));
  return called.map((name) => missing(name, tool(name))).find((text) => text !== undefined);
}

/** A link may lead nowhere: whoever needs what is not installed has been skipped. */
function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}

export interface User {
  readonly folder: string;
  /** A folder from which nothing of the project resolves. */
  readonly outside: string;
  /** What a line prints in a folder, without the white space around it. */
  shell(line: string, cwd: string): Promise<string>;
  remove(): void;
}

/** Installs the package and gives the project the tools that its reader has. */
export async function makeUser(): Promise<User> {
  const project = await installPackage();
  const modules = join(project.folder, 'node_modules');
  for (const name of [...bundlers, '@rollup/plugin-node-resolve'])
    link(join(runtimeModules, name), join(modules, name));
  for (const name of bundlers) link(tool(name), join(modules, '.bin', name));
  link(join(rootModules, '.bin', 'tsc'), join(modules, '.bin', 'tsc'));
  const path = project.outside('bin');
  link(process.execPath, join(path, 'node'));
  for (const name of programs) link(tool(name), join(path, name));
  const env = {
    PATH: [path, process.env.PATH ?? ''].join(delimiter),
    // nothing that is missing is to come from a registry
    npm_config_offline: 'true',
    DENO_DIR: project.outside('deno'),
    DENO_NO_UPDATE_CHECK: '1',
    NO_COLOR: '1',
  };
  return {
    folder: project.folder,
    outside: project.outside('alone'),
    shell: async (line, cwd) => (await execute('sh', ['-c', line], { cwd, env })).trim(),
    remove: () => project.remove(),
  };
}

/** What a page came to. */
export interface Shown {
  readonly text: string;
  /** Whether a policy forbids eval, as every policy for scripts does that does not allow it by name. */
  readonly guarded: boolean;
}

/** Opens each page in a frame, waits until it shows something, or 15 s for one that has failed, and reports all. */
const watcher = `
const watch = async (path) => {
  const frame = document.body.appendChild(document.createElement('iframe'));
  frame.src = path;
  await new Promise((loaded) => frame.addEventListener('load', loaded));
  const { document: page, Function } = frame.contentWindow;
  await new Promise((done) => {
    const look = () => page.body.innerText.trim() !== '' && done();
    new MutationObserver(look).observe(page.body, { childList: true, subtree: true });
    setTimeout(done, 15_000);
    look();
  });
  let guarded = false;
  try {
    new Function('');
  } catch {
    guarded = true;
  }
  return { text: page.body.innerText.trim(), guarded };
};
const found = await Promise.all(PAGES.map(watch));
fetch('/report', { method: 'POST', body: JSON.stringify(found) });
`;

/** What a browser shows of these pages of a folder, which are left as they are. */
export async function look(browser: BrowserName, folder: string, pages: readonly string[]): Promise<readonly Shown[]> {
  const script = watcher.replace('PAGES', JSON.stringify(pages));
  const html = `<!doctype html><title>watcher</title><body><script type="module">${script}</script></body>`;
  const served = await serve({ folder, texts: { '/watcher.html': html } });
  try {
    return JSON.parse(await visit(browser, `${served.url}watcher.html`, served.report)) as Shown[];
  } finally {
    await served.close();
  }
}
