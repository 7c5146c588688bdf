/**
 * Linear heads under cross entropy, loss and all three gradients, beside what a user would write or pick instead:
 *
 *   npm run bench -- --heads [--docs] [--filter RE] [--rounds N]
 *
 * All contenders of a head are in one process and take turns; medians of their calls. The losses have to agree. --docs writes the
 * table into docs/heads.md and README.md.
 */
import { writePart } from '../marks.ts';
import { median } from '../median.ts';
import { machine, table } from '../page.ts';
import { time } from '../report.ts';
import { ours } from './ours.ts';
import { jax, tfjs } from './peers.ts';
import { plain } from './plain.ts';
import { type Contender, problemOf, type Run, type Shape, shapes } from './problem.ts';
import { hasTorch, torch } from './torch.ts';

const [simd, relaxed] = [ours('lossmith', 'simd'), ours('lossmith, relaxed', 'relaxed')];
const threads = ours('lossmith, 2 threads', 'simd', { threads: 2 });
const frozen = ours('lossmith, no gradient of the input', 'simd', { grads: ['weight', 'bias'] });
const own: readonly Contender[] = [simd, relaxed, threads, frozen];
const contenders: readonly Contender[] = [...own, plain, tfjs, jax, ...(hasTorch() ? [torch] : [])];

/** Milliseconds of a contender's calls, and their loss. */
interface Outcome {
  readonly times: number[];
  loss: number;
}

/** How long all calls of one contender may take together, in milliseconds. */
const BUDGET = 1500;

async function measure(shape: Shape, rounds: number): Promise<Map<string, Outcome>> {
  const problem = problemOf(shape);
  const runs: [string, Run][] = [];
  for (const contender of contenders) runs.push([contender.name, await contender.prepare(problem)]);
  const outcomes = new Map<string, Outcome>();
  for (const [name, run] of runs) {
    // the first calls compile
    const times: number[] = [];
    let loss = 0;
    const until = performance.now() + BUDGET / 10;
    for (let i = 0; i < 2 || (i < 50 && performance.now() < until); i++) {
      const done = await run();
      loss = typeof done === 'number' ? done : done.loss;
    }
    outcomes.set(name, { times, loss });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of runs) {
      const outcome = outcomes.get(name)!;
      const spent = outcome.times.reduce((sum, each) => sum + each, 0);
      if (round >= 3 && spent > BUDGET) continue;
      const begin = performance.now();
      const done = await run();
      outcome.times.push(typeof done === 'number' ? performance.now() - begin : done.milliseconds);
    }
  }
  return outcomes;
}

/** Contenders whose loss is another. */
function disagreeing(outcomes: Map<string, Outcome>): string[] {
  const expected = outcomes.get(plain.name)!.loss;
  return [...outcomes]
    .filter(([, { loss }]) => !(Math.abs(loss - expected) <= 1e-4 * Math.abs(expected)))
    .map(([name, { loss }]) => `${name} has loss ${loss}, ${plain.name} ${expected}`);
}

/** Columns that the first page has. */
const shown = (heading: string): boolean => heading !== frozen.name && !heading.endsWith(' / relaxed');

/** Measures all heads; false where a result is wrong. */
export async function heads(options: { filter: string; rounds: number; docs: boolean }): Promise<boolean> {
  const rows: string[][] = [];
  const faults: string[] = [];
  for (const shape of shapes) {
    const [n, d, c] = shape;
    const name = `[${n}, ${d}] → ${c.toLocaleString('en')}`;
    if (!new RegExp(options.filter).test(name)) continue;
    const outcomes = await measure(shape, options.rounds);
    faults.push(...disagreeing(outcomes).map((fault) => `${name}: ${fault}`));
    const times = contenders.map((contender) => median(outcomes.get(contender.name)!.times));
    const peers = times.slice(own.length);
    const ahead = times.slice(0, 2).map((own) => `${(Math.min(...peers) / own).toFixed(1)}×`);
    rows.push([name, ...times.map(time), ...ahead]);
    console.log(rows.at(-1)!.join('  '));
  }
  const headings = ['[N, D] → C', ...contenders.map(({ name }) => name), 'best peer / lossmith', 'best peer / relaxed'];
  if (options.docs && faults.length === 0) {
    const day = new Date().toISOString().slice(0, 10);
    const said = `${machine()}, ${day}; medians of calls that take turns in one process, one thread each.`;
    writePart('docs/heads.md', 'heads', `${said}\n\n${table(headings, rows)}`);
    writePart(
      'README.md',
      'heads',
      table(
        headings.filter(shown),
        rows.map((row) => row.filter((_, i) => shown(headings[i]!))),
      ),
    );
  }
  for (const fault of faults) console.error(fault);
  return faults.length === 0;
}
