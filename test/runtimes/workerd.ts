/**
 * The rows of Cloudflare's runtime: the probe runs in a request handler and answers over HTTP on loopback. The worker is
 * bundled and started as examples/edge-worker starts its own.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findWorkerd, startWorker } from '../edge-worker/example.ts';
import { bundleProbe } from './bundle.ts';
import { notInstalled } from './installed.ts';
import type { Report, Row } from './types.ts';

export const missingWorkerd = (): string | undefined =>
  findWorkerd() === undefined ? notInstalled('workerd') : undefined;

/** What the function `report` of a module gives in a request handler. Workers choose their runtime's behaviour by a date. */
export async function answerOf<R>(
  folder: string,
  module: string,
  compatibilityDate: string,
  limit = 30_000,
): Promise<R> {
  const entry = join(folder, 'entry.mjs');
  writeFileSync(join(folder, 'module.mjs'), module);
  writeFileSync(
    entry,
    "import { report } from './module.mjs';\nexport default { fetch: () => Response.json(report()) };\n",
  );
  const worker = await startWorker({ entry, compatibilityDate });
  try {
    const answer = await fetch(worker.address, { signal: AbortSignal.timeout(limit) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`status ${answer.status}: ${text}`);
    return JSON.parse(text) as R;
  } finally {
    await worker.stop();
  }
}

export const workerdRow = (compatibilityDate: string): Row => ({
  name: `workerd, request handler, compatibility date ${compatibilityDate}`,
  group: 'workerd',
  missing: missingWorkerd,
  runtime: /^Cloudflare-Workers$/,
  tier: 'relaxed',
  async run(project) {
    const folder = project.scratch(`workerd-${compatibilityDate}`);
    return answerOf<Report>(folder, await bundleProbe({ format: 'esm', host: 'export' }), compatibilityDate);
  },
});
