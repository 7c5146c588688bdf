// The modules as text that src/machine/modules/text.ts turns back into bytes.

/** Characters that need no escape in a string and end no script element. */
const ALPHABET = [...Array(95).keys()].map((i) => String.fromCharCode(32 + i)).filter((c) => !/["'`\\$<]/.test(c));

/**
 * The most frequent bytes are one character, the others two. Unlike base64, equal bytes are equal text wherever they stand,
 * so that gzip finds what repeats. The relaxed tier, which differs from the simd tier in its multiply-adds alone, is
 * written as a difference from it.
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

/** Bytes that must agree before a stretch of the base is worth naming, where it goes on behind the last one or elsewhere. */
const SHORTEST = { next: 4, elsewhere: 6 };

/**
 * How `bytes` come out of `base`: over and over, a number of bytes, these bytes, a number of bytes to copy from the base,
 * and how far that stretch lies from the end of the last one. Numbers are LEB128, the last one with its sign in bit 0.
 */
function difference(base, bytes) {
  const places = new Map();
  for (let i = 0; i + 4 <= base.length; i++) {
    const key = base.readUInt32LE(i);
    places.set(key, [...(places.get(key) ?? []), i]);
  }
  const output = [];
  let fresh = [];
  let expected = 0;
  for (let i = 0; i < bytes.length; ) {
    const found = longest(base, bytes, i, expected, places);
    if (found === undefined) {
      fresh.push(bytes[i]);
      expected += 1;
      i += 1;
      continue;
    }
    const from = expected - fresh.length;
    output.push(...leb(fresh.length), ...fresh, ...leb(found.length), ...leb(signed(found.start - from)));
    fresh = [];
    expected = found.start + found.length;
    i += found.length;
  }
  output.push(...leb(fresh.length), ...fresh);
  return Uint8Array.from(output);
}

/** The longest stretch of the base that agrees with the bytes from i on; one that starts as expected is preferred. */
function longest(base, bytes, i, expected, places) {
  let best;
  const candidates = i + 4 <= bytes.length ? (places.get(bytes.readUInt32LE(i)) ?? []) : [];
  for (const start of candidates) {
    let length = 4;
    while (i + length < bytes.length && start + length < base.length && bytes[i + length] === base[start + length]) {
      length += 1;
    }
    const score = start === expected ? length + 2 : length;
    const enough = length >= (start === expected ? SHORTEST.next : SHORTEST.elsewhere);
    if (enough && score > (best?.score ?? 0)) best = { start, length, score };
  }
  return best;
}

const signed = (n) => (n < 0 ? -2 * n - 1 : 2 * n);

function leb(n) {
  const bytes = [];
  for (; n > 127; n >>>= 7) bytes.push((n & 127) | 128);
  return [...bytes, n];
}
