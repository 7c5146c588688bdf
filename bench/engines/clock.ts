/** Timing in engines whose clocks may be as coarse as a millisecond. Times are milliseconds. */

/** A clock is read this often, so that where it moves is known well. */
const GLANCE = 0.1;

/** Calls for so long, and says how many that were. */
function callFor(run: () => unknown, time: number, between: number): { calls: number; elapsed: number } {
  // from where the clock moves to where it has moved: its coarseness is in neither end
  let start = performance.now();
  for (let now = start; now === start; ) now = performance.now();
  start = performance.now();
  let calls = 0;
  let elapsed = 0;
  do {
    for (let i = 0; i < between; i++) run();
    calls += between;
    elapsed = performance.now() - start;
  } while (elapsed < time);
  return { calls, elapsed };
}

/** Warms up for so long; resolves to how many calls take a glance. */
export function warm(run: () => unknown, time: number): number {
  let between = 1;
  for (let spent = 0; spent < time; ) {
    const { calls, elapsed } = callFor(run, time / 5, between);
    between = Math.max(1, Math.round((GLANCE * calls) / elapsed));
    spent += elapsed;
  }
  return between;
}

/** Milliseconds of a call, from calls for so long. */
export function timeOf(run: () => unknown, time: number, between: number): number {
  const { calls, elapsed } = callFor(run, time, between);
  return elapsed / calls;
}

/** The smallest step of the clock. */
export function tick(): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    let now = start;
    while (now === start) now = performance.now();
    smallest = Math.min(smallest, now - start);
  }
  return smallest;
}
