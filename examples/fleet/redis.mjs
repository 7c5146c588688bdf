// A Redis of the example's own: started on a free port with everything written to disk at once, so that it may be killed and
// started again and knows every job. Or the one that REDIS_URL names.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** How clients connect: BullMQ asks for commands that wait as long as it takes. */
export const clientOptions = { maxRetriesPerRequest: null, retryStrategy: (times) => Math.min(50 * times, 500) };

/** A client whose failed attempts to connect are no events of their own: it goes on trying. */
export function connect(url) {
  const client = new Redis(url, clientOptions);
  client.on('error', () => {});
  return client;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Waits until a Redis answers. */
async function answers(url, patience = 10_000) {
  const client = connect(url);
  try {
    const late = new Promise((_, reject) => {
      setTimeout(() => reject(new Error(`no Redis answers at ${url}`)), patience).unref();
    });
    await Promise.race([client.ping(), late]);
  } finally {
    client.disconnect();
  }
}

function launch(port, dir) {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--loglevel', 'warning'];
  args.push('--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction');
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child));
    child.once('error', (error) => {
      const missing = error.code === 'ENOENT';
      reject(missing ? new Error('redis-server is missing: apt install redis-server, or set REDIS_URL') : error);
    });
  });
}

/** Starts a Redis, or finds the one that REDIS_URL names. */
export async function startRedis() {
  const given = process.env.REDIS_URL;
  if (given) {
    await answers(given);
    return { url: given, restart: undefined, stop: async () => {} };
  }
  const dir = mkdtempSync(join(tmpdir(), 'lossmith-redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let server = await launch(port, dir);
  const end = async (signal) => {
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill(signal);
    await gone;
  };
  await answers(url);
  return {
    url,
    /** Kills it and starts it again on the same files. */
    async restart() {
      await end('SIGKILL');
      server = await launch(port, dir);
      await answers(url);
    },
    async stop() {
      await end('SIGTERM');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
