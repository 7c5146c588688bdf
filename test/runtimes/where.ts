/** Tests of what a machine may lack. */
import { expect, it } from 'vitest';

/** What is missing, said by the test's name, skips it; where everything has to be there (.ci/run says so) it fails. */
export function where(missing: string | undefined, name: string, run: () => void | Promise<void>): void {
  if (missing === undefined) it(name, run);
  else if (process.env.LOSSMITH_RUNTIMES === 'all') it(name, () => expect.fail(missing));
  else {
    console.warn(`skipped: ${name}: ${missing}`);
    it.skipIf(true)(`${name} (${missing})`, run);
  }
}
