/** The program of a measuring process: sets up one contender for one workload, then times rounds as it is asked to. */
import { Bench } from 'tinybench';
import { cases, makeInputs } from './cases.ts';
import { contenders, type Trial } from './contenders.ts';
import { allowRelaxedSimd } from './flags.ts';

export type Request =
  | { readonly kind: 'prepare'; readonly workload: string; readonly contender: string; readonly time: number }
  | { readonly kind: 'round'; readonly time: number };

/** Milliseconds per call: the fastest seen while preparing, the median of a round. */
export interface Answer {
  readonly milliseconds: number;
}

/** A sample takes some 100 µs, so that the clock does not matter. */
const sampleTime = 0.1;

allowRelaxedSimd();
let trial: Trial | undefined;
let calls = 1;

function prepare(workload: string, contender: string, time: number): number {
  const item = cases.find(({ name }) => name === workload)!;
  trial = contenders.find(({ name }) => name === contender)!.prepare(item, makeInputs(item));
  const end = performance.now() + time;
  let fastest = Number.POSITIVE_INFINITY;
  let batch = 1;
  do {
    const start = performance.now();
    for (let i = 0; i < batch; i++) trial.run();
    const elapsed = performance.now() - start;
    fastest = Math.min(fastest, elapsed / batch);
    if (elapsed < sampleTime) batch *= 2;
  } while (performance.now() < end);
  calls = Math.max(1, Math.round(sampleTime / fastest));
  return fastest;
}

function round(time: number): number {
  const { run } = trial!;
  const bench = new Bench({ time, iterations: 3, warmup: false, throws: true });
  bench.add('round', () => {
    for (let i = 0; i < calls; i++) run();
  });
  const result = bench.runSync()[0]!.result;
  if (result.state !== 'completed') throw new Error(`a measurement ended ${result.state}`);
  return result.latency.p50 / calls;
}

process.on('message', (request: Request) => {
  const milliseconds =
    request.kind === 'prepare' ? prepare(request.workload, request.contender, request.time) : round(request.time);
  process.send!({ milliseconds } satisfies Answer);
});
