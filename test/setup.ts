/** For every test file: arrays of the same bits are equal, without a look at each of their values as vitest would take it. */
import { expect } from 'vitest';

const bytesOf = ({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

const isArray = (value: unknown): value is NodeJS.TypedArray =>
  ArrayBuffer.isView(value) && !(value instanceof DataView);

/** What differs in bits may still be equal, and its differences are to be shown: that is left to vitest. */
function sameBits(a: unknown, b: unknown): true | undefined {
  if (!isArray(a) || !isArray(b) || a.constructor !== b.constructor || a.byteLength !== b.byteLength) return undefined;
  return bytesOf(a).equals(bytesOf(b)) || undefined;
}

expect.addEqualityTesters([sameBits]);
