// The raw ABI from hosts that are not JavaScript: `node .ci/abi-host.mjs`. One case that PyTorch computed goes through
//   - the scalar module, made into C by wasm2c and called by .ci/abi-host.c, and
//   - every module in wabt's interpreter, which calls a function without arguments: the case is written into the module's
//     text as data, with a function that does what docs/abi.md says.
// Offsets come from the table of docs/abi.md. What is missing is installed by apt (as root, on Debian).
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = readFileSync(join(root, 'docs', 'abi.md'), 'utf8');
const offsets = Object.fromEntries([...page.matchAll(/^\| (\d+) \| `(\w+)` \|/gm)].map(([, at, name]) => [name, +at]));
const planBytes = Number(/one Plan: (\d+) bytes/.exec(page)[1]);
const [INDICES, EVERY_PHASE] = [/^\| INDICES \| (\d+) \|/m, /\bEVERY_PHASE = (\d+)/].map((line) =>
  Number(line.exec(page)[1]),
);
const [golden] = JSON.parse(readFileSync(join(root, 'test', 'golden', 'crossEntropy.json'), 'utf8'));
const { logits, target } = golden.inputs;
const [outer, classes] = logits.shape;

const run = (file, args, cwd) =>
  execFileSync(file, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'pipe'] });

/** Installs what is missing. */
function tools() {
  const missing = (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error !== undefined;
  if (!['wasm2c', 'wasm-interp', 'cc'].some(missing)) return;
  console.log('installing wabt and a C compiler by apt');
  run('apt-get', ['update']);
  run('apt-get', ['install', '-y', '--no-install-recommends', 'wabt', 'gcc', 'libc6-dev']);
}

/** Compares a loss and a gradient with those of PyTorch in float64. */
function check(host, [loss, ...grad]) {
  const right = [golden.expected.loss.data[0], ...golden.expected.grad.logits.data];
  const largest = Math.max(...right.slice(1).map(Math.abs));
  [loss, ...grad].forEach((value, i) => {
    const bound = 1e-6 * (i === 0 ? right[0] : largest);
    if (!(Math.abs(value - right[i]) <= bound)) throw new Error(`${host}: value ${i} is ${value}, not ${right[i]}`);
  });
  if (grad.length !== right.length - 1) throw new Error(`${host}: ${grad.length} gradients`);
  console.log(`${host}: loss ${loss}, ${grad.length} gradients`);
}

/** The scalar module as C. wasm2c names things by its version, so the names are read from the header it writes. */
function asC(folder) {
  run('wasm2c', ['--module-name=core', join(root, 'dist', 'wasm', 'scalar.wasm'), '-o', join(folder, 'core.c')]);
  const header = readFileSync(join(folder, 'core.h'), 'utf8');
  const [, prefix, instance] = /(\w+)planBytes\((\w+)\*/.exec(header);
  const [, start] = /void (\w+instantiate)\(/.exec(header);
  const init = /void (\w+init_module)\(void\)/.exec(header);
  const lines = [
    '#include "core.h"',
    `#define CORE(name) ${prefix}##name`,
    `#define INSTANCE ${instance}`,
    `#define INITIALIZE(instance) (${init ? `${init[1]}(), ` : ''}${start}(instance))`,
    `#define PLAN_BYTES ${planBytes}`,
    `#define INDICES ${INDICES}`,
    `#define EVERY_PHASE ${EVERY_PHASE}`,
    `#define OUTER ${outer}`,
    `#define CLASSES ${classes}`,
    ...Object.entries(offsets).map(([name, at]) => `#define OFFSET_${name} ${at}`),
    `static const float LOGITS[] = {${logits.data.map((x) => `${x.toExponential(9)}f`)}};`,
    `static const int TARGET[] = {${target.data}};`,
  ];
  writeFileSync(join(folder, 'case.h'), `${lines.join('\n')}\n`);
  copyFileSync(join(root, '.ci', 'abi-host.c'), join(folder, 'abi-host.c'));
  const runtime = '/usr/share/wabt/wasm2c';
  const sources = ['abi-host.c', 'core.c', join(runtime, 'wasm-rt-impl.c')];
  run('cc', ['-O1', '-w', '-I', '.', '-I', runtime, ...sources, '-o', 'host', '-lm'], folder);
  return run(join(folder, 'host'), [], folder).trim().split('\n').map(Number);
}

const escaped = (bytes) => [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');

/**
 * A module with the case inside, in wabt's interpreter: one exported function for the loss and for each gradient. They return
 * bits, since the interpreter prints numbers to six digits.
 */
function interpreted(folder, tier) {
  const relaxed = tier === 'relaxed' ? ['--enable-relaxed-simd'] : [];
  const text = run('wasm2wat', [...relaxed, join(root, 'dist', 'wasm', `${tier}.wasm`)]);
  const index = (name) => new RegExp(`\\(export "${name}" \\(func (\\d+)\\)\\)`).exec(text)[1];
  const [plan, input, labels, grad, scratch] = [32768, 33280, 34304, 35328, 36352];
  const bytes = Buffer.alloc(scratch - plan);
  const rows = { inputOuter: classes, inputStep: 1, gradOuter: classes, gradStep: 1 };
  const geometry = { outer, middle: classes, inner: 1, total: classes, phase: EVERY_PHASE, ignoreIndex: -100 };
  const fields = { input, indices: labels, scratch, flags: INDICES, bad: -1, ...rows, ...geometry };
  for (const [name, value] of Object.entries(fields)) bytes.writeInt32LE(value, offsets[name]);
  for (const [i, x] of logits.data.entries()) bytes.writeFloatLE(x, input - plan + 4 * i);
  for (const [i, t] of target.data.entries()) bytes.writeInt32LE(t, labels - plan + 4 * i);
  const f64 = (name) => `(f64.load (i32.const ${plan + offsets[name]}))`;
  const call = (name) => `(call ${index(name)} (i32.const ${plan}))`;
  const results = Array.from({ length: outer * classes }, (_, i) => {
    return `(func (export "grad${i}") (result i32) (i32.load (i32.const ${grad + 4 * i})))`;
  });
  const added = `
    (data (i32.const ${plan}) "${escaped(bytes)}")
    (func (export "loss") (result i64)
      (if (i32.or (i32.ne (call ${index('planBytes')}) (i32.const ${planBytes}))
                  (i32.gt_u (call ${index('heapBase')}) (i32.const ${plan}))) (then (unreachable)))
      ${call('scanSamples')}
      (f64.store (i32.const ${plan + offsets.upstream}) (f64.div (f64.const 1) ${f64('weightSum')}))
      (i32.store (i32.const ${plan + offsets.grad}) (i32.const ${grad}))
      (drop ${call('crossEntropy')})
      (i64.reinterpret_f64 (f64.div ${f64('sum')} ${f64('weightSum')})))
    ${results.join('\n')})`;
  // the exports of the library take arguments; without them the interpreter runs those of the case alone
  const own = text.replace(/^ {2}\(export "\w+" \((func|memory) \d+\)\)\n?/gm, '');
  writeFileSync(join(folder, 'case.wat'), own.trimEnd().replace(/\)$/, added));
  run('wat2wasm', [...relaxed, 'case.wat', '-o', 'case.wasm'], folder);
  const lines = run('wasm-interp', [...relaxed, 'case.wasm', '--run-all-exports'], folder);
  const view = new DataView(new ArrayBuffer(8));
  return [...lines.matchAll(/=> i(32|64):(\d+)/g)].map(([, width, bits]) => {
    view.setBigUint64(0, BigInt.asUintN(64, BigInt(bits) << (width === '32' ? 32n : 0n)));
    return width === '32' ? view.getFloat32(0) : view.getFloat64(0);
  });
}

tools();
const folder = mkdtempSync(join(tmpdir(), 'lossmith-abi-'));
try {
  check('scalar as C', asC(folder));
  for (const tier of ['scalar', 'simd', 'relaxed']) check(`${tier} in wasm-interp`, interpreted(folder, tier));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
