// The build under Node 24, which has relaxed SIMD without a flag: `node .ci/node24.mjs`. Installs that Node from the npm
// package `node` into a temporary folder and runs this file again with it, as `node24.mjs check`. There 'auto' must give
// the relaxed tier, every golden case must hold on it, and `deterministic: true` must give the stored bits.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSION = '24.9.0';

/** Installs Node and runs the checks with it. */
function install() {
  const folder = mkdtempSync(join(tmpdir(), 'lossmith-node24-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    // its install script fetches the binary for this machine
    execFileSync(npm, ['install', `node@${VERSION}`, '--ignore-scripts=false', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const node = join(folder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    execFileSync(node, [fileURLToPath(import.meta.url), 'check'], { stdio: 'inherit' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is wrong with a golden case on an engine; the types of test/golden.ts and test/library.ts are stripped by Node. */
function wrong(engine, golden, { boundsOf, inputOf, libraryOps, mismatch }) {
  const { expected, inputs, op } = golden;
  const { target, gradOutput, weight, posWeight } = inputs;
  const { dim, ...options } = golden.options;
  const float32 = (tensor) => tensor && { data: Float32Array.from(tensor.data), shape: tensor.shape };
  const [x, g] = [float32(inputOf(golden)), float32(gradOutput)];
  const own = { ...options, axis: dim, weight: float32(weight), posWeight: float32(posWeight) };
  const f = engine[libraryOps.get(op)];
  const bounds = boundsOf(golden);
  const asTensor = (loss) => (typeof loss === 'number' ? { data: [loss], shape: [] } : loss);
  if (target === undefined) {
    const settings = dim === undefined ? {} : { axis: dim };
    return [
      mismatch('output', f(x, settings), expected.loss, bounds.loss),
      mismatch('grad', f.backward(g, x, settings), expected.grad, bounds.grad),
    ];
  }
  const indices = target.shape.length < x.shape.length;
  const y = indices ? { data: Int32Array.from(target.data), shape: target.shape } : float32(target);
  return [
    mismatch('loss', asTensor(f.forward(x, y, own).loss), expected.loss, bounds.loss),
    mismatch('grad', f.backward(g ?? 1, x, y, own).grad, expected.grad, bounds.grad),
  ];
}

async function check() {
  assert.match(process.version, /^v24\./);
  const { createEngine, defaultEngine } = await import('../dist/index.js');
  const goldenFile = await import('../test/golden.ts');
  const { hashes } = await import('../test/tiers.ts');
  assert.equal(createEngine().tier, 'relaxed');
  assert.equal(defaultEngine().tier, 'relaxed');

  let count = 0;
  for (const tier of ['relaxed', 'simd', 'scalar']) {
    const engine = createEngine({ tier });
    assert.equal(engine.tier, tier);
    for (const name of [
      'crossEntropy',
      'crossEntropyProb',
      'bceWithLogits',
      'mse',
      'componentCrossEntropy',
      'softmax',
      'logSoftmax',
      'sigmoid',
      'logSigmoid',
    ]) {
      for (const golden of goldenFile.loadGolden(name)) {
        const messages = wrong(engine, golden, goldenFile).filter((message) => message !== undefined);
        assert.deepEqual(messages, [], `${tier}, ${golden.id}`);
        count++;
      }
    }
  }

  const stored = JSON.parse(readFileSync(new URL('../test/golden/hashes.json', import.meta.url), 'utf8')).hashes;
  assert.deepEqual(hashes(createEngine({ deterministic: true })), stored);
  console.log(`Node ${process.version}: ${count} golden cases, ${Object.keys(stored).length} hashes`);
}

if (process.argv[2] === 'check') await check();
else install();
