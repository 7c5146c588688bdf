/** The engines that programs are measured in, and how each is given one. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { type BrowserName, browsers, missingBrowser, visit } from '../../test/runtimes/browser/browser.ts';
import { serve } from '../../test/runtimes/browser/server.ts';
import { execute } from '../../test/runtimes/execute.ts';
import { missing, nodePath, tool } from '../../test/runtimes/installed.ts';

/** A module of this folder that exports `run`, which takes and returns what JSON can say. */
export interface Program {
  readonly module: string;
  /** Where browsers run it: a worker for each request, or the page itself, with one request for each visit. */
  readonly place: 'workers' | 'page';
}

export interface Host {
  readonly name: string;
  readonly missing: string | undefined;
  version(): string;
  /** Runs a program for each request, every time in an engine that has run nothing before. */
  run(program: Program, requests: readonly object[], folder: string): Promise<string[]>;
}

const here = fileURLToPath(new URL('.', import.meta.url));

/** One text without imports that runs `use`, in which `run` is the program's. */
function bundle({ module }: Program, use: string): string {
  const { outputFiles } = buildSync({
    stdin: { contents: `import { run } from './${module}.ts';\n${use}`, resolveDir: here, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    platform: 'neutral',
    logLevel: 'warning',
  });
  return outputFiles[0]!.text;
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)!;

/** A runtime that takes a file: a process for each request. */
const runtime = (name: string, path: string): Host => ({
  name,
  missing: missing(name, path),
  version: () =>
    `${name.split(' ')[0]} ${execFileSync(path, ['--version'], { encoding: 'utf8' }).trim().replace('v', '')}`,
  async run(program, requests, folder) {
    const file = join(folder, `${program.module}.cjs`);
    writeFileSync(file, bundle(program, 'console.log(JSON.stringify(run(JSON.parse(process.argv.at(-1)))));'));
    const answers: string[] = [];
    for (const request of requests) {
      answers.push(lastLine(await execute(path, [file, JSON.stringify(request)], { cwd: folder })));
    }
    return answers;
  },
});

/** So that clocks are as fine as they get. */
const isolated = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** How long a visit may take, in milliseconds. */
const LONGEST = 600_000;

const send = "(answers) => fetch('/report', { method: 'POST', body: JSON.stringify(answers) })";

/** Gives each request to a worker of its own, one after the other. */
const throughWorkers = (requests: readonly object[]): string => `
const answer = (request) => new Promise((resolve) => {
  const worker = new Worker('/program.js');
  const end = (text) => { worker.terminate(); resolve(text); };
  worker.onmessage = ({ data }) => end(data);
  worker.onerror = ({ message }) => end(JSON.stringify({ error: message }));
  worker.postMessage(request);
});
const answers = [];
for (const request of ${JSON.stringify(requests)}) answers.push(await answer(request));
await (${send})(answers);`;

const browser = (name: BrowserName, title: string): Host => {
  const open = async (texts: Readonly<Record<string, string>>): Promise<string[]> => {
    const page = { '/index.html': '<!doctype html><script type="module" src="/main.js"></script>', ...texts };
    const served = await serve({ folder: here, texts: page, headers: isolated });
    try {
      return JSON.parse(await visit(name, served.url, served.report, LONGEST));
    } finally {
      await served.close();
    }
  };
  return {
    name: title,
    missing: missingBrowser(name),
    version: () => versionOf(name, title),
    async run(program, requests) {
      if (program.place === 'workers') {
        const use = 'onmessage = ({ data }) => postMessage(JSON.stringify(run(data)));';
        return open({ '/main.js': throughWorkers(requests), '/program.js': bundle(program, use) });
      }
      const answers: string[] = [];
      for (const request of requests) {
        const use = `(${send})([JSON.stringify(run(${JSON.stringify(request)}))]);`;
        answers.push(...(await open({ '/main.js': bundle(program, use) })));
      }
      return answers;
    },
  };
};

/** What a browser says of itself; MiniBrowser does not open without a screen, its package knows. */
function versionOf(name: BrowserName, title: string): string {
  const ask = (file: string, args: readonly string[]): string => {
    try {
      return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      return '';
    }
  };
  const text =
    name === 'webkit'
      ? ask('dpkg-query', ['--status', 'webkit2gtk-driver']).split('Version: ').at(-1)!
      : ask(browsers[name].find()!, ['--version']);
  return `${title} ${/\d+(\.\d+)+/.exec(text)?.[0] ?? ''}`.trim();
}

export const hosts: readonly Host[] = [
  ...[20, 24, 26].map((major) => runtime(`Node ${major}`, nodePath(major))),
  runtime('Bun', tool('bun')),
  browser('firefox', 'Firefox'),
  browser('chromium', 'Chromium'),
  browser('webkit', 'WebKitGTK'),
];
