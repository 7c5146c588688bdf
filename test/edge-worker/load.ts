/** Many requests to one isolate, and what its memory does meanwhile. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { expect } from 'vitest';
import type { Running } from './example.ts';
import { BINARY_TYPE, JSON_TYPE, logitsOf, nest } from './values.ts';

/** Sends `requests` requests of four kinds over eight connections; memory at 1,000 and at the end must be alike. */
export async function load(worker: Running, requests: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const send = (path: string, headers: Record<string, string> = {}, body?: string | Uint8Array) =>
    new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const sent = request(`${worker.address}${path}`, { agent, method, headers }, (response) => {
        let text = '';
        response.setEncoding('latin1').on('data', (part) => {
          text += part;
        });
        response.once('end', () => resolve({ status: response.statusCode, text })).once('error', reject);
      });
      sent.once('error', reject).end(body);
    });
  const rows = nest([...logitsOf([20, 5]).data], [20, 5]);
  const floats = new Uint8Array(Float32Array.from(logitsOf([64, 3, 47]).data).buffer);
  const binary = { ...BINARY_TYPE, accept: 'application/octet-stream' };
  const kinds = [
    () => send('/score', JSON_TYPE, JSON.stringify({ logits: rows, targets: Array(20).fill(4) })),
    () => send('/score?shape=64,3,47', binary, floats),
    () => send('/score', JSON_TYPE, JSON.stringify({ logits: rows, mode: 'sigmoid', targets: rows })),
    () => send('/score', JSON_TYPE, JSON.stringify({ logits: rows, mode: 'sigmoid', threshold: 0.3 })),
  ];
  const statuses = [200, 200, 400, 200]; // logits are no targets in [0, 1]
  const measure = async () => ({ stats: (await send('/stats')).text, megabytes: residentMegabytes(worker.pid) });

  let sent = 0;
  const lane = async (end: number) => {
    while (sent < end) {
      const index = sent++;
      const kind = index % kinds.length;
      expect((await kinds[kind]!()).status).toBe(statuses[kind]);
      if (index % 250 === 0) await send('/collect');
    }
  };
  const until = (end: number) => Promise.all(Array.from({ length: 8 }, () => lane(end)));
  try {
    await until(1_000);
    const early = await measure();
    await until(requests);
    const late = await measure();
    expect(late.stats).toBe(early.stats);
    expect(JSON.parse(late.stats)).toMatchObject({ bytesInUse: 0, liveTensors: 0 });
    // 19,000 requests send and receive 340 MB of logits and probabilities as float32 alone
    expect(late.megabytes - early.megabytes).toBeLessThan(96);
  } finally {
    agent.destroy();
  }
}

/** Memory of a process; 0 where the system has no /proc. */
function residentMegabytes(pid: number): number {
  if (process.platform !== 'linux') return 0;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
