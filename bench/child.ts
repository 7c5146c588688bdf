/** The program of a measuring process: sets up one contender for one workload, then times rounds as it is asked to. */
import { Bench } from 'tinybench';
import { contenders, type Trial } from './contenders.ts';
import { allowRelaxedSimd } from './flags.ts';
import type { Answer, Request } from './station.ts';

/** A sample takes some 100 µs, so that the clock does not matter. */
const sampleTime = 0.1;

allowRelaxedSimd();
let trial: Trial | undefined;
let calls = 1;

function prepare({ run }: Trial, time: number): number {
  const end = performance.now() + time;
  let fastest = Number.POSITIVE_INFINITY;
  let batch = 1;
  do {
    const start = performance.now();
    for (let i = 0; i < batch; i++) run();
    const elapsed = performance.now() - start;
    fastest = Math.min(fastest, elapsed / batch);
    if (elapsed < sampleTime) batch *= 2;
  } while (performance.now() < end);
  calls = Math.max(1, Math.round(sampleTime / fastest));
  return fastest;
}

function round({ run }: Trial, time: number): number {
  const bench = new Bench({ time, iterations: 3, warmup: false, throws: true });
  bench.add('round', () => {
    for (let i = 0; i < calls; i++) run();
  });
  const result = bench.runSync()[0]!.result;
  if (result.state !== 'completed') throw new Error(`a measurement ended ${result.state}`);
  return result.latency.p50 / calls;
}

function answer(request: Request): number {
  if (request.kind === 'round') return round(trial!, request.time);
  const { contender, operation, problem, time } = request;
  trial = contenders.find(({ name }) => name === contender)!.prepare(operation, problem);
  return prepare(trial, time);
}

process.on('message', (request: Request) => {
  process.send!({ milliseconds: answer(request) } satisfies Answer);
});
