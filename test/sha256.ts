/**
 * SHA-256 (FIPS 180-4) in plain TypeScript: the hashes of results are made in runtimes without node:crypto, and where
 * crypto.subtle, being asynchronous, would make every caller so.
 */

/** The first 32 fractional bits of a root of a prime; exact, as bigint roots are. */
function fraction(prime: number, root: 2n | 3n): number {
  const shifted = BigInt(prime) << (32n * root);
  let low = 0n;
  let high = 1n << 40n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** root <= shifted) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn);
}

const primes: number[] = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
const constants = Uint32Array.from(primes, (prime) => fraction(prime, 3n));
const start = Uint32Array.from(primes.slice(0, 8), (prime) => fraction(prime, 2n));

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

/** Bytes go in by `update`, the digest comes out once. */
export class Sha256 {
  readonly #state = start.slice();
  readonly #words = new Uint32Array(64);
  readonly #block = new Uint8Array(64);
  readonly #view = new DataView(this.#block.buffer);
  #used = 0;
  #total = 0;

  update(bytes: Uint8Array): void {
    this.#total += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.subarray(at, at + 64 - this.#used);
      this.#block.set(taken, this.#used);
      this.#used += taken.length;
      at += taken.length;
      if (this.#used === 64) this.#compress();
    }
  }

  /** The hash in hexadecimal. */
  digest(): string {
    const bits = BigInt(this.#total) * 8n;
    this.update(Uint8Array.of(0x80));
    while (this.#used !== 56) this.update(Uint8Array.of(0));
    this.#view.setBigUint64(56, bits);
    this.#compress();
    return Array.from(this.#state, (word) => word.toString(16).padStart(8, '0')).join('');
  }

  #compress(): void {
    const words = this.#words;
    for (let i = 0; i < 16; i++) words[i] = this.#view.getUint32(4 * i);
    for (let i = 16; i < 64; i++) {
      const [far, near] = [words[i - 15]!, words[i - 2]!];
      const first = rotate(far, 7) ^ rotate(far, 18) ^ (far >>> 3);
      const second = rotate(near, 17) ^ rotate(near, 19) ^ (near >>> 10);
      words[i] = words[i - 16]! + first + words[i - 7]! + second;
    }
    let [a, b, c, d, e, f, g, h] = this.#state;
    for (let i = 0; i < 64; i++) {
      const high = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const one = (h + high + ((e & f) ^ (~e & g)) + constants[i]! + words[i]!) | 0;
      const low = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      this.#state[i] = this.#state[i]! + word;
    });
    this.#used = 0;
  }
}
