// The modules that the bundles bear as text, and the files beside them, are the same bytes.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesOf } from '../src/machine/modules/index.ts';

const fileOf = (tier: string): Buffer => readFileSync(new URL(`../dist/wasm/${tier}.wasm`, import.meta.url));

describe('modules as text', () => {
  test.each(['simd', 'relaxed', 'scalar'] as const)('%s: the bytes of dist/wasm', (tier) => {
    expect(fileOf(tier).equals(bytesOf(tier))).toBe(true);
  });

  test('relaxed has as many multiply-adds more as it has products less', () => {
    const count = (tier: string, code: number): number =>
      fileOf(tier).toString('hex').split(code.toString(16)).length - 1;
    const [mul, madd] = [0xfde601, 0xfd8502];
    expect(count('simd', madd)).toBe(0);
    expect(count('relaxed', madd)).toBeGreaterThan(300);
    expect(count('simd', mul) - count('relaxed', mul)).toBe(count('relaxed', madd));
  });
});
