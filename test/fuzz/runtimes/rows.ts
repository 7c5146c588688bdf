/** One row per runtime that is no Node: the portable fuzzer runs there on the packed package. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingBrowser, visit } from '../../runtimes/browser/browser.ts';
import { serve } from '../../runtimes/browser/server.ts';
import { execute } from '../../runtimes/execute.ts';
import { missing, notInstalled, tool } from '../../runtimes/installed.ts';
import type { Project } from '../../runtimes/types.ts';
import type { Plan, PortableReport } from '../portable.ts';
import { bundleFuzz } from './bundle.ts';

export interface FuzzRow {
  readonly name: string;
  /** What is not installed, with how to install it; undefined where the row can run. */
  missing(): string | undefined;
  /** What the report's `runtime` must match. */
  readonly runtime: RegExp;
  run(project: Project, plan: Plan): Promise<PortableReport>;
}

const printed = (stdout: string): PortableReport => JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as PortableReport;

interface Program {
  readonly name: string;
  readonly path: string;
  readonly runtime: RegExp;
  readonly args?: readonly string[];
  readonly specifier?: string;
  env?(folder: string): Record<string, string>;
}

/** A program that runs the file itself. */
const programRow = ({ name, path, runtime, args = [], specifier = 'lossmith', env }: Program): FuzzRow => ({
  name,
  missing: () => missing(name, path),
  runtime,
  async run(project, plan) {
    const folder = project.scratch(`fuzz-${name}`);
    writeFileSync(join(folder, 'fuzz.mjs'), await bundleFuzz({ specifier, host: 'print', plan }));
    return printed(await execute(path, [...args, 'fuzz.mjs'], { cwd: folder, ...(env && { env: env(folder) }) }));
  },
});

const bun = programRow({ name: 'Bun', path: tool('bun'), runtime: /^Bun 1\./ });

/** Without a permission, a prompt or the network; its cache goes with the project. */
const deno = programRow({
  name: 'Deno',
  path: tool('deno'),
  runtime: /^Deno 2\./,
  args: ['run', '--no-prompt', '--cached-only'],
  specifier: '../node_modules/lossmith/dist/index.js',
  env: (folder) => ({ DENO_DIR: join(folder, 'cache'), DENO_NO_UPDATE_CHECK: '1' }),
});

const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>lossmith fuzz</title>
    <link rel="icon" href="data:,">
    <script src="/errors.js"></script>
    <script type="module" src="/fuzz.js"></script>
  </head>
</html>
`;

/** A module that cannot be fetched, parsed or run ends here. */
const errors = `
const send = (error) => fetch('/report', { method: 'POST', body: JSON.stringify({ error }) });
addEventListener('error', ({ message, target }) => send(message ?? target.src + ' did not load'), true);
addEventListener('unhandledrejection', ({ reason }) => send(String(reason)));
`;

const chromium: FuzzRow = {
  name: 'Chromium',
  missing: () => missingBrowser('chromium'),
  runtime: /Chrome\/\d/,
  async run({ folder }, plan) {
    const specifier = '/node_modules/lossmith/dist/index.js';
    const texts = {
      '/index.html': html,
      '/errors.js': errors,
      '/fuzz.js': await bundleFuzz({ specifier, host: 'post', plan }),
    };
    const served = await serve({ folder, texts });
    try {
      const posted = JSON.parse(await visit('chromium', served.url, served.report)) as
        | PortableReport
        | { readonly error: string };
      if ('error' in posted) throw new Error(`the page reports: ${posted.error}`);
      return posted;
    } finally {
      await served.close();
    }
  },
};

interface Workerd {
  findWorkerd(): string | undefined;
  startWorker(options: {
    entry: string;
    compatibilityDate: string;
  }): Promise<{ address: string; stop(): Promise<void> }>;
}

// by an address rather than a name: the example is plain JavaScript, without types
const example = new URL('../../../examples/edge-worker/workerd.mjs', import.meta.url).href;
const { findWorkerd, startWorker } = (await import(/* @vite-ignore */ example)) as Workerd;

const workerd: FuzzRow = {
  name: 'workerd',
  missing: () => (findWorkerd() === undefined ? notInstalled('workerd') : undefined),
  runtime: /^Cloudflare-Workers$/,
  async run(project, plan) {
    const folder = project.scratch('fuzz-workerd');
    const entry = join(folder, 'entry.mjs');
    writeFileSync(join(folder, 'fuzz.mjs'), await bundleFuzz({ host: 'export', plan }));
    writeFileSync(
      entry,
      "import { report } from './fuzz.mjs';\nexport default { fetch: () => Response.json(report()) };\n",
    );
    const worker = await startWorker({ entry, compatibilityDate: '2026-11-01' });
    try {
      const answer = await fetch(worker.address, { signal: AbortSignal.timeout(50_000) });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`status ${answer.status}: ${text}`);
      return JSON.parse(text) as PortableReport;
    } finally {
      await worker.stop();
    }
  },
};

export const fuzzRows: readonly FuzzRow[] = [bun, deno, chromium, workerd];
