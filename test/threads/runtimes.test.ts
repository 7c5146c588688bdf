/** Threads in every runtime: as many as were asked for where memory can be shared, one elsewhere, and the same bits everywhere. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../src/index.ts';
import { type BrowserName, missingBrowser, visit } from '../runtimes/browser/browser.ts';
import { serve } from '../runtimes/browser/server.ts';
import { execute } from '../runtimes/execute.ts';
import { missing, nodePath, tool } from '../runtimes/installed.ts';
import { inTurn, type Turn } from '../runtimes/where.ts';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist');

/** Large steps on some threads, and what they gave: loss and gradient bit for bit. */
async function trial(create: typeof createEngine, threads: number): Promise<string> {
  const engine = create({ threads, deterministic: true });
  await engine.ready;
  const shape = [2000, 300];
  const logits = engine.tensor(shape);
  const target = engine.tensor([2000], 'int32');
  for (let i = 0; i < 600_000; i++) logits.data[i] = ((i * 7919) % 1009) / 50 - 10;
  for (let i = 0; i < 2000; i++) target.data[i] = (i * 7) % 300;
  const step = engine.crossEntropy.prepare(logits, target, { out: engine.tensor(shape) });
  let loss = step() as number;
  for (let i = 0; i < 50; i++) loss = step() as number;
  const grad = step.grad.data as Float32Array;
  let hash = 0;
  for (const bits of new Uint32Array(grad.buffer, grad.byteOffset, grad.length))
    hash = (Math.imul(hash, 31) + bits) | 0;
  const found = engine.threads;
  engine.dispose();
  return JSON.stringify({ threads: found, loss, hash });
}

const program = (line: string, done: string): string => `${line}\n${trial}\ntrial(createEngine, 2).then(${done});\n`;
const PRINT = '(text) => console.log(text)';
const SEND = "(body) => fetch('/report', { method: 'POST', body })";
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

let folder = '';
let expected: { readonly loss: number; readonly hash: number };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lossmith-threads-'));
  const url = pathToFileURL(join(dist, 'threads.js')).href;
  writeFileSync(join(folder, 'main.mjs'), program(`import { createEngine } from ${JSON.stringify(url)};`, PRINT));
  const path = JSON.stringify(join(dist, 'cjs', 'threads.js'));
  writeFileSync(join(folder, 'main.cjs'), program(`const { createEngine } = require(${path});`, PRINT));
  expected = JSON.parse(await trial(createEngine, 1));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const expectThreads = (text: string, threads: number): void =>
  expect(JSON.parse(text.trimEnd().split('\n').at(-1) as string)).toEqual({ ...expected, threads });

describe('programs', () => {
  const inNode = [20, 22, 24, 26].flatMap((major) =>
    ['main.mjs', 'main.cjs'].map((file) => ({
      missing: missing(`Node ${major}`, nodePath(major)),
      name: `Node ${major} runs ${file} on 2 threads`,
      run: async () => expectThreads(await execute(nodePath(major), [file], { cwd: folder }), 2),
    })),
  );
  inTurn('threads in Node', inNode, 2);

  const denoRuns = async (): Promise<void> => {
    const env = { DENO_DIR: join(folder, 'cache'), DENO_NO_UPDATE_CHECK: '1' };
    const args = ['run', '--no-prompt', '--cached-only', 'main.mjs'];
    expectThreads(await execute(tool('deno'), args, { cwd: folder, env }), 2);
  };
  const bunRuns = async (): Promise<void> =>
    expectThreads(await execute(tool('bun'), ['main.mjs'], { cwd: folder }), 2);
  inTurn('threads in Deno and Bun', [
    { missing: missing('Deno', tool('deno')), name: 'Deno runs it on 2 threads, without permissions', run: denoRuns },
    { missing: missing('Bun', tool('bun')), name: 'Bun runs it on 2 threads', run: bunRuns },
  ]);
});

describe('pages', () => {
  const page = async (browser: BrowserName, headers: Record<string, string>): Promise<string> => {
    const script = program("import { createEngine } from '/threads.js';", SEND);
    const texts = {
      '/index.html': '<!doctype html><script type="module" src="/main.js"></script>',
      '/main.js': script,
    };
    const served = await serve({ folder: dist, texts, headers });
    try {
      return await visit(browser, served.url, served.report);
    } finally {
      await served.close();
    }
  };

  const policy = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
  const opened = (browser: BrowserName, headers: Record<string, string>, threads: number, what: string): Turn => ({
    missing: missingBrowser(browser),
    name: `${browser} ${what}`,
    run: async () => expectThreads(await page(browser, headers), threads),
  });
  inTurn('threads in pages', [
    opened('chromium', ISOLATED, 2, 'runs an isolated one on 2 threads'),
    opened('firefox', ISOLATED, 2, 'runs an isolated one on 2 threads'),
    opened('chromium', {}, 1, 'runs one that is not isolated on 1'),
    opened(
      'chromium',
      { ...ISOLATED, 'content-security-policy': policy },
      1,
      'runs one whose policy forbids such workers on 1',
    ),
    opened('webkit', ISOLATED, 1, 'which shares no memory, runs an isolated one on 1'),
  ]);
});

it('the program is the same one here', async () => {
  expectThreads(await trial(createEngine, 1), 1);
});
