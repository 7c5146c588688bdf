/** Timing in Node: calls in samples of some 100 µs, so that the clock does not matter. Times are milliseconds per call. */
import { Bench } from 'tinybench';

const SAMPLE = 0.1;

/** Warms up for so long; the fastest call. */
export function fastestOf(run: () => unknown, time: number): number {
  const end = performance.now() + time;
  let fastest = Number.POSITIVE_INFINITY;
  let batch = 1;
  do {
    const start = performance.now();
    for (let i = 0; i < batch; i++) run();
    const elapsed = performance.now() - start;
    fastest = Math.min(fastest, elapsed / batch);
    if (elapsed < SAMPLE) batch *= 2;
  } while (performance.now() < end);
  return fastest;
}

/** How many calls make a sample. */
export const callsOf = (fastest: number): number => Math.max(1, Math.round(SAMPLE / fastest));

/** The median of samples for so long. */
export function roundOf(run: () => unknown, time: number, calls: number): number {
  const bench = new Bench({ time, iterations: 3, warmup: false, throws: true });
  bench.add('round', () => {
    for (let i = 0; i < calls; i++) run();
  });
  const result = bench.runSync()[0]!.result;
  if (result.state !== 'completed') throw new Error(`a measurement ended ${result.state}`);
  return result.latency.p50 / calls;
}
