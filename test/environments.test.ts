/** The bundles where hosts are not as usual: globals that are frozen, missing, or have members that others gave them. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');

/** What a program prints that changes its globals, imports an entry and computes. */
function run(before: string, { entry = 'index', flags = [] as readonly string[] } = {}): string {
  const url = pathToFileURL(join(dist, `${entry}.js`)).href;
  const code = `${before}
    const lib = await import(${JSON.stringify(url)});
    const [x, y] = [[[1, 2, 3], [3, 2, 1]], [2, 0]];
    const options = { weight: [1, 2, 3] };
    const first = lib.crossEntropy(x, y, options).loss;
    const step = lib.crossEntropy.prepare(x, y, options);
    console.log(first === lib.crossEntropy(x, y, options).loss, step() === first, step.grad.data.length, first.toFixed(4));`;
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return stdout.trim() || stderr;
}

const RIGHT = 'true true 6 0.4076';

describe.each(['index', 'simd', 'threads'])('%s', (entry) => {
  test.each([
    ['a string on Object.prototype', "Object.prototype.x = 'a';"],
    ['a function on Object.prototype', 'Object.prototype.x = function () {};'],
    ['undefined on Object.prototype', 'Object.prototype.x = undefined;'],
    ['Object frozen', 'Object.freeze(Object);'],
    ['no TextDecoder', 'delete globalThis.TextDecoder;'],
    ['no TextEncoder', 'delete globalThis.TextEncoder;'],
    ['no FinalizationRegistry', 'delete globalThis.FinalizationRegistry;'],
    ['no SharedArrayBuffer', 'delete globalThis.SharedArrayBuffer;'],
  ])('%s', (_, before) => {
    expect(run(before, { entry })).toBe(RIGHT);
  });

  test('frozen intrinsics', () => {
    expect(run('', { entry, flags: ['--frozen-intrinsics', '--no-warnings'] })).toBe(RIGHT);
  });
});
