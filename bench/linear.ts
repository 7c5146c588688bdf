/**
 * The matrix products of linear heads against the machine's own multiply-add rate:
 *
 *   npx tsx bench/linear.ts [--tier simd|relaxed] [--filter RE] [--rounds N] [--check]
 *
 * The rate is that of loops with twelve independent sums: once a += x·y on operands in the first cache, once a = a·x + y on
 * registers, because V8 of Node 20 keeps two sums of the former in memory; the faster one counts. Rounds of a fraction of a
 * millisecond take turns, and the fastest of each counts, so that what else the machine does hits few of them. --check exits with 1
 * where a product misses its share of the rate.
 *
 * Tried and slower, as shares of the rate (Node 20, simd tier, in one run with what is there now): tiles of five rows by two
 * vectors, which spill (0.45 for 0.92), steps unrolled by two in dot products (0.56 for 0.82), four rows packed for dot
 * products (0.80 for 0.82, and half as fast for few classes), one function for the whole of a block, whose counters spill
 * (0.65 for 0.78 at ten classes), rows copied by memory.copy (0.51 for 0.71 at two classes).
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import binaryen from 'binaryen';
import { allowRelaxedSimd } from './flags.ts';

const { values: flags } = parseArgs({
  options: {
    tier: { type: 'string', default: 'simd' },
    filter: { type: 'string', default: '' },
    rounds: { type: 'string', default: '300' },
    check: { type: 'boolean', default: false },
  },
});

/** [rows, columns, classes] of heads, and the share of the rate that each product has to reach. */
const heads: readonly (readonly [n: number, d: number, c: number, share?: number])[] = [
  [512, 384, 5, 0.45],
  [256, 768, 10, 0.45],
  [512, 384, 42],
  [64, 64, 64, 0.65],
  [256, 256, 256, 0.65],
  [256, 768, 1000, 0.65],
  [24, 1024, 32000],
  [1024, 64, 2],
  [1, 768, 1000],
];

type Exports = Readonly<Record<string, (...values: number[]) => number>> & { readonly memory: WebAssembly.Memory };

const start = (bytes: BufferSource): Exports =>
  new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports;

/** Sums of a rate loop, and its turns for one call. */
const [SUMS, TURNS] = [12, 10_000];

/** A loop of multiply-adds, on operands that it loads or on registers. */
function rateLoop(tier: string, loads: boolean): () => void {
  const madd = (a: string, b: string, c: string): string =>
    tier === 'relaxed' ? `(f32x4.relaxed_madd ${a} ${b} ${c})` : `(f32x4.add (f32x4.mul ${a} ${b}) ${c})`;
  const sums = Array.from({ length: SUMS }, (_, i) => `$a${i}`);
  const steps = sums.map((name, i) => {
    const sum = `(local.get ${name})`;
    const loaded = madd(`(v128.load offset=${16 * (i + 1)} (local.get $p))`, '(local.get $y)', sum);
    return `(local.set ${name} ${loads ? loaded : madd(sum, '(local.get $x)', '(local.get $y)')})`;
  });
  const total = sums.map((name) => `(local.get ${name})`).reduce((a, b) => `(f32x4.add ${a} ${b})`);
  const module = binaryen.parseText(`(module (memory 1)
    (func (export "run") (param $turns i32) (local $p i32) (local $x v128) (local $y v128)
      ${sums.map((name) => `(local ${name} v128)`).join(' ')}
      (local.set $x (v128.load (local.get $p)))
      (loop $again
        (local.set $y (v128.load (local.get $p)))
        ${steps.join('\n')}
        (local.set $p (i32.and (i32.add (local.get $p) (i32.const 16)) (i32.const 1023)))
        (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))
      (v128.store (i32.const 4096) ${total})))`);
  module.setFeatures(binaryen.Features.SIMD128 | binaryen.Features.RelaxedSIMD);
  const { run } = start(new Uint8Array(module.emitBinary()));
  return () => void run!(TURNS);
}

/** The products of one head, by name. */
function productsOf(bytes: BufferSource, n: number, d: number, c: number): Record<string, () => void> {
  const { memory, heapBase, linearScratch, linearLogits, linearInput, linearWeight, linearBias } = start(bytes);
  let end = heapBase!();
  const block = (floats: number): number => {
    const at = Math.ceil(end / 64) * 64;
    end = at + 4 * floats;
    return at;
  };
  const [x, w, b, g] = [block(n * d), block(c * d), block(c), block(n * c)];
  const operands = end;
  const [input, weight, sums, scratch] = [block(n * d), block(c * d), block(2 * c), block(linearScratch!() / 4)];
  memory.grow(Math.ceil((end - memory.buffer.byteLength) / 65536));
  new Float32Array(memory.buffer, x, (operands - x) / 4).forEach((_, i, all) => {
    all[i] = ((i * 7919) % 997) / 997 - 0.4;
  });
  return {
    logits: () => void linearLogits!(x, w, b, g, n, c, d, c),
    input: () => void linearInput!(g, w, input, n, c, d, c, 1, scratch),
    weight: () => void linearWeight!(g, x, weight, n, c, d, c, 1, scratch),
    bias: () => void linearBias!(g, sums, n, c, c, 1),
  };
}

/** Milliseconds of the fastest round of each; a round is as many calls as fill 0.3 ms. */
function fastest(trials: readonly (() => void)[], rounds: number): number[] {
  const time = (run: () => void, calls: number): number => {
    const begin = performance.now();
    for (let i = 0; i < calls; i++) run();
    return (performance.now() - begin) / calls;
  };
  const calls = trials.map((run) => {
    let least = Number.POSITIVE_INFINITY;
    const until = performance.now() + 100; // long enough for the compiler
    while (performance.now() < until) least = Math.min(least, time(run, 1));
    return Math.max(1, Math.round(0.3 / least));
  });
  const best = trials.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of trials.entries()) best[i] = Math.min(best[i]!, time(run, calls[i]!));
  }
  return best;
}

allowRelaxedSimd();
const rounds = Number(flags.rounds);
if (!(rounds >= 1)) throw new RangeError(`--rounds ${flags.rounds}: expected a positive number`);
const bytes = readFileSync(new URL(`../dist/wasm/${flags.tier}.wasm`, import.meta.url));
const loops = [rateLoop(flags.tier, true), rateLoop(flags.tier, false)];
const faults: string[] = [];
for (const [n, d, c, share] of heads) {
  const name = `[${n}, ${d}] → ${c}`;
  if (!new RegExp(flags.filter).test(name)) continue;
  const products = productsOf(bytes, n, d, c);
  // the large ones take long enough to need fewer rounds
  const turns = Math.max(3, Math.min(rounds, Math.round((rounds * 2e8) / (n * d * c))));
  const [loaded = 0, registers = 0, ...times] = fastest([...loops, ...Object.values(products)], turns);
  const perSecond = (time: number, madds: number): number => (2 * madds) / time / 1e6;
  const rates = [loaded, registers].map((time) => perSecond(time, 4 * SUMS * TURNS));
  const cells = Object.keys(products).map((product, i) => {
    const time = times[i]!;
    if (product === 'bias') return `${product} ${time.toFixed(4)} ms`;
    const ratio = perSecond(time, n * d * c) / Math.max(...rates);
    if (share !== undefined && ratio < share)
      faults.push(`${name}: ${product} at ${ratio.toFixed(2)} of the rate, below ${share}`);
    return `${product} ${time.toFixed(4)} ms (${ratio.toFixed(2)})`;
  });
  const total = times.reduce((sum, time) => sum + time, 0);
  const rate = rates.map((each) => each.toFixed(0)).join(' / ');
  console.log(`${name}: ${cells.join(', ')}; all ${total.toFixed(3)} ms; rate ${rate} GFLOP/s`);
}
for (const fault of faults) console.error(fault);
process.exitCode = flags.check && faults.length > 0 ? 1 : 0;
