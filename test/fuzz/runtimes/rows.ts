/** One row per runtime that is no Node: the portable fuzzer runs there on the packed package. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingBrowser, visit } from '../../runtimes/browser/browser.ts';
import { pageOf, readPosted } from '../../runtimes/browser/page.ts';
import { serve } from '../../runtimes/browser/server.ts';
import { execute } from '../../runtimes/execute.ts';
import { missing, tool } from '../../runtimes/installed.ts';
import type { Project } from '../../runtimes/types.ts';
import { answerOf, missingWorkerd } from '../../runtimes/workerd.ts';
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

const chromium: FuzzRow = {
  name: 'Chromium',
  missing: () => missingBrowser('chromium'),
  runtime: /Chrome\/\d/,
  async run({ folder }, plan) {
    const specifier = '/node_modules/lossmith/dist/index.js';
    const texts = {
      ...pageOf('lossmith fuzz', '/fuzz.js'),
      '/fuzz.js': await bundleFuzz({ specifier, host: 'post', plan }),
    };
    const served = await serve({ folder, texts });
    try {
      return readPosted<PortableReport>(await visit('chromium', served.url, served.report));
    } finally {
      await served.close();
    }
  },
};

const workerd: FuzzRow = {
  name: 'workerd',
  missing: missingWorkerd,
  runtime: /^Cloudflare-Workers$/,
  async run(project, plan) {
    const module = await bundleFuzz({ host: 'export', plan });
    return answerOf<PortableReport>(project.scratch('fuzz-workerd'), module, '2026-11-01', 50_000);
  },
};

export const fuzzRows: readonly FuzzRow[] = [bun, deno, chromium, workerd];
