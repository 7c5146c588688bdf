/**
 * The row of the entry for Vercel's edge runtime, which no package brings here: its bundler's part, an import of a compiled
 * module by `?module`, is done by esbuild, and the bundle runs in Node with the compiling of bytes forbidden.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { bundleProbe } from './bundle.ts';
import { execute } from './execute.ts';
import type { Report, Row } from './types.ts';

/** Gives each `?module` import the module that the runtime would have compiled before. */
const compiled: Plugin = {
  name: 'compiled',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path.replace(/\?module$/, '')),
      namespace: 'compiled',
    }));
    onLoad({ filter: /.*/, namespace: 'compiled' }, ({ path }) => ({
      contents: `import bytes from ${JSON.stringify(path)}; export default new WebAssembly.Module(bytes);`,
      resolveDir: dirname(path),
    }));
  },
};

export const edgeRow: Row = {
  name: 'edge-light entry, bundle in Node',
  group: 'bundlers',
  missing: () => undefined,
  runtime: /^Node /,
  tier: 'simd', // this entry leaves relaxed out
  async run(project) {
    const folder = project.scratch('edge-light');
    writeFileSync(join(folder, 'probe.mjs'), await bundleProbe({ format: 'esm', host: 'export' }));
    const entry = `import { report } from './probe.mjs';
      const construct = () => { throw new Error('code generation from bytes is forbidden'); };
      WebAssembly.Module = new Proxy(WebAssembly.Module, { construct });
      console.log(JSON.stringify(report()));`;
    writeFileSync(join(folder, 'entry.mjs'), entry);
    const bundle = join(project.outside('edge-light'), 'bundle.mjs');
    await build({
      entryPoints: [join(folder, 'entry.mjs')],
      outfile: bundle,
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      target: 'es2022',
      conditions: ['edge-light'],
      loader: { '.wasm': 'binary' },
      plugins: [compiled],
      logLevel: 'error',
    });
    const printed = await execute(process.execPath, [bundle], { cwd: dirname(bundle) });
    return JSON.parse(printed.trimEnd().split('\n').at(-1)!) as Report;
  },
};
