/** The hash of test/sha256.ts against Node's, over lengths around its blocks and updates of every size. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { randomFrom } from './reference/random.ts';
import { Sha256 } from './sha256.ts';

it('is SHA-256', () => {
  const random = randomFrom(1);
  for (let length = 0; length < 300; length++) {
    const bytes = Uint8Array.from({ length }, () => random() * 256);
    const hash = new Sha256();
    const cut = Math.floor(random() * (length + 1));
    hash.update(bytes.subarray(0, cut));
    hash.update(bytes.subarray(cut));
    expect(hash.digest(), `${length} bytes, cut at ${cut}`).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
});
