/** The rows without a browser: every runtime by every way in, and every bundler with its bundle run in Node. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleProbe, type ProbeBundle } from './bundle.ts';
import { edgeRow } from './edge.ts';
import { execute } from './execute.ts';
import { missing, modulePath, nodePath, tool } from './installed.ts';
import type { Project, Report, Row } from './types.ts';
import { workerdRow } from './workerd.ts';

/** The report in what a probe printed. */
const printed = (stdout: string): Report => JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Report;

/** Puts a probe that prints its report into a folder of its own in the project. */
async function place(project: Project, name: string, bundle: Omit<ProbeBundle, 'host'>): Promise<[string, string]> {
  const folder = project.scratch(name.replaceAll(/[^\w.]+/g, '-'));
  const file = bundle.format === 'esm' ? 'probe.mjs' : 'probe.cjs';
  writeFileSync(join(folder, file), await bundleProbe({ ...bundle, host: 'print' }));
  return [folder, file];
}

interface Program {
  readonly name: string;
  readonly group: string;
  readonly path: string;
  readonly runtime: RegExp;
  readonly tier: Report['tier'];
  /** Arguments before the file. */
  readonly args?: readonly string[];
  /** The environment, given a folder that goes with the project. */
  env?(folder: string): Record<string, string>;
}

/** A program that runs the probe file itself. */
function programRow(program: Program, how: string, specifier = 'lossmith'): Row {
  const { name, group, path, runtime, tier, args = [], env } = program;
  const title = `${name}, ${how}`;
  return {
    name: title,
    group,
    missing: () => missing(name, path),
    runtime,
    tier,
    async run(project) {
      const format = how === 'require' ? 'cjs' : 'esm';
      const [cwd, file] = await place(project, title, { format, specifier });
      return printed(await execute(path, [...args, file], { cwd, ...(env && { env: env(cwd) }) }));
    },
  };
}

const node = (major: number): Program => ({
  name: `Node ${major}`,
  group: 'Node',
  path: nodePath(major),
  runtime: new RegExp(`^Node ${major}\\.`),
  // Node 20 has relaxed SIMD behind a flag
  tier: major === 20 ? 'simd' : 'relaxed',
});

/** Without a permission, a prompt or the network; its cache goes with the project. */
const deno: Program = {
  name: 'Deno',
  group: 'Deno',
  path: tool('deno'),
  runtime: /^Deno 2\./,
  tier: 'relaxed',
  args: ['run', '--no-prompt', '--cached-only'],
  env: (folder) => ({ DENO_DIR: join(folder, 'cache'), DENO_NO_UPDATE_CHECK: '1' }),
};

const bun: Program = { name: 'Bun', group: 'Bun', path: tool('bun'), runtime: /^Bun 1\./, tier: 'relaxed' };

interface Bundler {
  readonly name: string;
  readonly path: string;
  /** Files beside main.mjs, which imports the package. */
  readonly files?: Readonly<Record<string, string>>;
  /** The program and its arguments; the bundle is bundle.mjs beside main.mjs. */
  command(): readonly [file: string, ...args: string[]];
}

const bundlers: readonly Bundler[] = [
  {
    name: 'esbuild',
    path: tool('esbuild'),
    command: () => [tool('esbuild'), 'main.mjs', '--bundle', '--format=esm', '--outfile=bundle.mjs'],
  },
  {
    name: 'Rollup',
    path: tool('rollup'),
    command: () => [tool('rollup'), 'main.mjs', '--file', 'bundle.mjs', '--format', 'es', '--plugin', 'node-resolve'],
  },
  {
    name: 'Vite build',
    path: tool('vite'),
    files: {
      'vite.config.mjs': `export default {
        build: { outDir: '.', emptyOutDir: false, lib: { entry: 'main.mjs', formats: ['es'], fileName: () => 'bundle.mjs' } },
      };`,
    },
    command: () => [tool('vite'), 'build'],
  },
  {
    name: 'webpack 5',
    path: tool('webpack'),
    // the command line of webpack is another package
    files: {
      'build.cjs': `const { webpack } = require(process.argv[2]);
      const output = { path: __dirname, filename: 'bundle.mjs' };
      webpack({ mode: 'production', context: __dirname, entry: './main.mjs', output }, (error, stats) => {
        if (error || stats.hasErrors()) throw error ?? new Error(stats.toString());
      });`,
    },
    command: () => [process.execPath, 'build.cjs', modulePath('webpack')],
  },
  {
    name: "Bun's bundler",
    path: tool('bun'),
    command: () => [tool('bun'), 'build', 'main.mjs', '--outfile', 'bundle.mjs', '--target', 'browser'],
  },
];

/** The bundle is run from a folder where 'lossmith' does not resolve: it must hold all it needs. */
function bundlerRow({ name, path, files = {}, command }: Bundler): Row {
  const { runtime, tier } = node(Number.parseInt(process.versions.node, 10));
  return {
    name: `${name}, bundle in Node`,
    group: 'bundlers',
    missing: () => missing(name, path),
    runtime,
    tier,
    async run(project) {
      const [folder, probe] = await place(project, `bundle ${name}`, { format: 'esm' });
      writeFileSync(join(folder, 'main.mjs'), `import './${probe}';\n`);
      for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
      const [program, ...args] = command();
      await execute(program, args, { cwd: folder });
      const alone = project.outside(`bundle ${name}`);
      copyFileSync(join(folder, 'bundle.mjs'), join(alone, 'bundle.mjs'));
      return printed(await execute(process.execPath, ['bundle.mjs'], { cwd: alone }));
    },
  };
}

/** Every row but those of browsers. */
export const serverRows = (): readonly Row[] => [
  ...[20, 22, 24, 26].map(node).flatMap((each) => [programRow(each, 'import'), programRow(each, 'require')]),
  programRow(deno, 'npm: specifier, no permissions', 'npm:lossmith'),
  programRow(deno, 'local file, no permissions', '../node_modules/lossmith/dist/index.js'),
  programRow(bun, 'import'),
  programRow(bun, 'require'),
  workerdRow('2024-01-01'),
  workerdRow('2026-11-01'),
  ...bundlers.map(bundlerRow),
  edgeRow,
];
