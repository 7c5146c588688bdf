/** The faults of `npm run mutate` still have their places: a text that moved or changed takes its fault along. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { anchors, mutations, root } from './mutate/index.ts';

test.each(mutations.map((mutation) => [`${mutation.file}: ${mutation.fault}`, mutation] as const))(
  '%s',
  (_, mutation) => {
    expect(anchors(mutation)).toBe(1);
    expect(mutation.to).not.toBe(mutation.from);
    // vitest fails too where there is no such file, and a fault would seem to be found
    const lost = mutation.tests.filter((name) => !existsSync(join(root, 'test', `${name}.test.ts`)));
    expect(lost).toEqual([]);
  },
);

test('no fault is there twice', () => {
  const texts = mutations.map(({ file, from, to }) => [file, from, to].join('\n'));
  expect(new Set(texts).size).toBe(texts.length);
});
