// Runs the worker in workerd, the runtime behind Cloudflare Workers, on this machine: bundles it with esbuild, writes a
// configuration into a temporary folder and starts workerd on loopback.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = new URL('.', import.meta.url);

/** workerd's program: from beside this file, or from where `npm run runtimes` puts it; undefined where it is missing. */
export function findWorkerd() {
  for (const place of [here, new URL('../../.ci/runtimes/', here)]) {
    try {
      const { default: program } = createRequire(new URL('package.json', place))('workerd');
      if (existsSync(program)) return program;
    } catch {
      // not installed there
    }
  }
  return undefined;
}

/**
 * Bundles the worker into `folder`. The condition `workerd` chooses the library's entry that imports its kernels as modules,
 * and the loader `copy` puts these beside the bundle.
 */
export async function bundle(entry, folder) {
  await build({
    entryPoints: [entry],
    outfile: join(folder, 'worker.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['workerd'],
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    logLevel: 'warning',
  });
}

/** The configuration of a worker that was bundled into `folder`. */
function configOf(folder, { port, compatibilityDate, variables, v8Flags }) {
  const text = (value) => JSON.stringify(String(value));
  const wasm = readdirSync(folder).filter((name) => name.endsWith('.wasm'));
  const modules = [
    '(name = "worker.js", esModule = embed "worker.js")',
    ...wasm.map((name) => `(name = ${text(name)}, wasm = embed ${text(name)})`),
  ];
  const bindings = Object.entries(variables).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
  v8Flags = [${v8Flags.map(text).join(', ')}],
);
const worker :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  bindings = [${bindings.join(', ')}],
  compatibilityDate = ${text(compatibilityDate)},
);
`;
}

/**
 * Starts the worker; answers when it listens.
 *
 * @param options - `entry`: the worker's file; `port`: 0 for a free one; `compatibilityDate`; `variables`: what the worker
 * finds in `env`; `v8Flags`: for measurements.
 * @returns `{ address, pid, exited, stop }`: `exited` resolves when workerd has ended, `stop()` ends it and clears up.
 */
export async function startWorker({
  entry = fileURLToPath(new URL('worker.js', here)),
  port = 0,
  compatibilityDate = '2024-01-01',
  variables = {},
  v8Flags = [],
} = {}) {
  const program = findWorkerd();
  if (program === undefined)
    throw new Error('workerd is missing: npm run runtimes, or beside a copy npm install workerd');
  const folder = mkdtempSync(join(tmpdir(), 'edge-worker-'));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  try {
    await bundle(entry, folder);
    const config = join(folder, 'config.capnp');
    writeFileSync(config, configOf(folder, { port, compatibilityDate, variables, v8Flags }));
    const child = spawn(program, ['serve', config, '--control-fd=3'], {
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    });
    const end = () => {
      child.kill('SIGKILL');
      clear();
    };
    process.once('exit', end);
    const exited = once(child, 'close').then(() => {
      process.removeListener('exit', end);
      clear();
    });
    const stop = async () => {
      child.kill();
      await exited;
    };
    const failed = once(child, 'error').then(([error]) => Promise.reject(error));
    const listening = await Promise.race([portOf(child), failed]);
    return { address: `http://127.0.0.1:${listening}`, pid: child.pid, exited, stop };
  } catch (error) {
    clear();
    throw error;
  }
}

/** The port that workerd reports on its control channel once it listens. */
async function portOf(child) {
  let text = '';
  for await (const chunk of child.stdio[3]) {
    text += chunk;
    const message = text.split('\n').find((line) => line.includes('"listen"') && line.endsWith('}'));
    if (message !== undefined) return JSON.parse(message).port;
  }
  throw new Error('workerd ended before it listened; its own message says why');
}
