/** Tests of what a machine may lack, and of what has its turn on one day and not on another. */
import { expect, it } from 'vitest';
import { day, ofTheDay } from '../sample.ts';

/** What is missing, said by the test's name, skips it; where everything has to be there (.ci/run says so) it fails. */
export function where(missing: string | undefined, name: string, run: () => void | Promise<void>): void {
  if (missing === undefined) it(name, run);
  else if (process.env.LOSSMITH_RUNTIMES === 'all') it(name, () => expect.fail(missing));
  else {
    console.warn(`skipped: ${name}: ${missing}`);
    it.skipIf(true)(`${name} (${missing})`, run);
  }
}

/** A test of a group that has its turn. */
export interface Turn {
  readonly missing: string | undefined;
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

/**
 * Tests that differ by the program that runs them and take long: of those that can run, one a day, and all where nothing is left
 * out (test/sample.ts). A line says what is left out, and how to run it. Groups with other shifts draw other ones on a day.
 */
export function inTurn(group: string, tests: readonly Turn[], shift = 0): void {
  const able = tests.filter(({ missing }) => missing === undefined);
  const drawn = ofTheDay(able, shift);
  const left = able.length - drawn.length;
  if (left > 0) {
    const names = drawn.map(({ name }) => name).join();
    console.warn(
      `${group}: 1 of ${able.length} has its turn on ${day}: ${names}; all of them: LOSSMITH_ALL=1 npm test`,
    );
  }
  for (const test of tests) {
    const { missing, name, run } = test;
    if (missing !== undefined || drawn.includes(test)) where(missing, name, run);
    else it.skipIf(true)(`${name} (has its turn on another day; now: LOSSMITH_ALL=1 npm test)`, run);
  }
}
