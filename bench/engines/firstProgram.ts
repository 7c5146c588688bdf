/** What runs in every engine as the first thing it does: crossEntropy on plain arrays, a hundred times. */
import { crossEntropy } from '../../src/index.ts';
import { median } from '../median.ts';
import { tick } from './clock.ts';

const [SAMPLES, CLASSES] = [32, 10];
export const CALLS = 100;

/** Milliseconds: of the first call, and of a call in each group of calls after it. */
export interface Answer {
  readonly first: number;
  /** Calls 2 to 10, 11 to 20, and so on. */
  readonly groups: readonly number[];
}

/** A clock that moves in longer steps, in milliseconds, does not see single calls. */
const FINE = 0.001;

export function run(): Answer {
  const data = Float32Array.from({ length: SAMPLES * CLASSES }, (_, i) => Math.sin(i) * 3);
  const target = Int32Array.from({ length: SAMPLES }, (_, i) => (7 * i) % CLASSES);
  const input = { data, shape: [SAMPLES, CLASSES] };
  const times = new Float64Array(CALLS + 1);
  times[0] = performance.now();
  for (let i = 1; i <= CALLS; i++) {
    crossEntropy(input, target);
    times[i] = performance.now();
  }
  const isFine = tick() <= FINE;
  const groups: number[] = [];
  for (let end = 10; end <= CALLS; end += 10) {
    const begin = Math.max(1, end - 10);
    const single = Array.from(times.subarray(begin, end), (time, i) => times[begin + i + 1]! - time);
    groups.push(isFine ? median(single) : (times[end]! - times[begin]!) / (end - begin));
  }
  return { first: times[1]! - times[0]!, groups };
}
