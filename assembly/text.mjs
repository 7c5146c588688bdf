// The modules as text that src/machine/modules/text.ts turns back into bytes.

import { bodiesOf } from './order.mjs';

/** Characters that need no escape in a string and end no script element. */
const ALPHABET = [...Array(95).keys()].map((i) => String.fromCharCode(32 + i)).filter((c) => !/["'`\\$<]/.test(c));

/**
 * The most frequent bytes are one character, the others two. Unlike base64, equal bytes are equal text wherever they stand,
 * so that gzip finds what repeats. The relaxed tier, which differs from the simd tier in its multiply-adds alone, is
 * written as the places where it does.
 */
export function encode({ simd, relaxed }) {
  const all = { simd, relaxed: difference(simd, relaxed) };
  const counts = new Float64Array(256);
  for (const bytes of Object.values(all)) for (const byte of bytes) counts[byte] += 1;
  const order = [...counts.keys()].sort((a, b) => counts[b] - counts[a] || a - b);
  const singles = ALPHABET.length - Math.ceil((256 - ALPHABET.length) / (ALPHABET.length - 1));
  const codes = [];
  for (const [rank, byte] of order.entries()) {
    const over = rank - singles;
    const [first, second] = [singles + Math.floor(over / ALPHABET.length), over % ALPHABET.length];
    codes[byte] = over < 0 ? ALPHABET[rank] : ALPHABET[first] + ALPHABET[second];
  }
  /** The text of any bytes, for the same decoder. */
  const write = (bytes) => Array.from(bytes, (byte) => codes[byte]).join('');
  const texts = Object.fromEntries(Object.entries(all).map(([tier, bytes]) => [tier, write(bytes)]));
  return { codes: { bytes: Buffer.from(order).toString('hex'), alphabet: ALPHABET.join(''), singles }, texts, write };
}

/** The instructions in which the tiers differ, and the end of the function that says which one a module is of. */
const SITES = { mul: 0x01e6fd, add: 0x01e4fd, tier: 0x0b0141 };
const MADD = 0x0285fd;

/** Bits that make the relaxed module of the simd one, as `contract` in assembly/contract.ts reads them. */
function difference(simd, relaxed) {
  const [before, after] = [bodiesOf(simd), bodiesOf(relaxed)];
  const bits = [];
  for (const [k, body] of before.entries()) {
    const other = after[k];
    for (let i = 0, j = 0; i < body.length; ) {
      const site = i + 3 <= body.length ? body.readUIntLE(i, 3) : 0;
      const now = j + 3 <= other.length ? other.readUIntLE(j, 3) : 0;
      if (!Object.values(SITES).includes(site)) [i, j] = [i + 1, j + 1];
      else {
        const differs = site === SITES.add ? now === MADD : now !== site;
        bits.push(differs);
        const step = differs ? 3 : 1;
        i += step;
        j += differs && site === SITES.mul ? 0 : step;
      }
    }
  }
  return Uint8Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) =>
    bits.slice(8 * i, 8 * i + 8).reduce((byte, bit, k) => byte | (bit << k), 0),
  );
}
