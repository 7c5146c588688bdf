/**
 * The rows of Cloudflare's runtime: the probe runs in a request handler and answers over HTTP on loopback. The worker is
 * bundled and started as examples/edge-worker starts its own.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleProbe } from './bundle.ts';
import { notInstalled } from './installed.ts';
import type { Project, Report, Row } from './types.ts';

interface Workerd {
  findWorkerd(): string | undefined;
  startWorker(options: {
    entry: string;
    compatibilityDate: string;
  }): Promise<{ address: string; stop(): Promise<void> }>;
}

// by an address rather than a name: the example is plain JavaScript, without types
const example = new URL('../../examples/edge-worker/workerd.mjs', import.meta.url).href;
const { findWorkerd, startWorker } = (await import(/* @vite-ignore */ example)) as Workerd;

async function run(project: Project, compatibilityDate: string): Promise<Report> {
  const folder = project.scratch(`workerd-${compatibilityDate}`);
  const entry = join(folder, 'entry.mjs');
  writeFileSync(join(folder, 'probe.mjs'), await bundleProbe({ format: 'esm', host: 'export' }));
  writeFileSync(
    entry,
    "import { report } from './probe.mjs';\nexport default { fetch: () => Response.json(report()) };\n",
  );
  const worker = await startWorker({ entry, compatibilityDate });
  try {
    const answer = await fetch(worker.address, { signal: AbortSignal.timeout(30_000) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`status ${answer.status}: ${text}`);
    return JSON.parse(text) as Report;
  } finally {
    await worker.stop();
  }
}

/** Workers choose their runtime's behaviour by a date. */
export const workerdRow = (compatibilityDate: string): Row => ({
  name: `workerd, request handler, compatibility date ${compatibilityDate}`,
  group: 'workerd',
  missing: () => (findWorkerd() === undefined ? notInstalled('workerd') : undefined),
  runtime: /^Cloudflare-Workers$/,
  tier: 'relaxed',
  run: (project) => run(project, compatibilityDate),
});
