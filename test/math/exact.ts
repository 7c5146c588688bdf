/** e^x, logarithms and what is made of them in fixed point with 115 digits after the point: the judge of the worst cases that the sweeps find. */

/** Bits after the point. The smallest values looked at, near 2^-126, keep 77 digits. */
const BITS = 384n;
const ONE = 1n << BITS;

/** A float32 or float64 in fixed point: exactly, as nothing below 2^-384 is asked for. */
export function fixed(x: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & ((1n << 52n) - 1n);
  const mantissa = exponent === 0n ? fraction : fraction | (1n << 52n);
  const shift = BITS - 1074n + (exponent === 0n ? 0n : exponent - 1n);
  const size = shift >= 0n ? mantissa << shift : mantissa >> -shift;
  return x < 0 ? -size : size;
}

const times = (a: bigint, b: bigint): bigint => (a * b) >> BITS;

/** e^x: the Taylor series at x/2^16, squared 16 times. Both carry 40 guard bits. */
export function exactExp(x: bigint): bigint {
  const guard = 40n;
  const bits = BITS + guard;
  const r = (x << guard) / 65536n;
  let term = 1n << bits;
  let sum = term;
  for (let k = 1n; term !== 0n && term !== -1n; k++) {
    term = ((term * r) >> bits) / k;
    sum += term;
  }
  for (let i = 0; i < 16; i++) sum = (sum * sum) >> bits;
  return sum >> guard;
}

/** 2·artanh(z) = log((1 + z)/(1 − z)) for |z| ≤ 1/3: a power series. */
function logRatio(z: bigint): bigint {
  const square = times(z, z);
  let sum = 0n;
  let power = z;
  for (let k = 1n; power / k !== 0n; k += 2n) {
    sum += power / k;
    power = times(power, square);
  }
  return 2n * sum;
}

/** log x, x > 0: k·log 2 + log(m) with m in [1, 2). */
export function exactLog(x: bigint): bigint {
  let [k, m] = [0n, x];
  for (; m >= 2n * ONE; k++) m >>= 1n;
  for (; m < ONE; k--) m <<= 1n;
  // nothing is lost where x was shifted to the left; where it was to the right, z is made of all its digits
  const unit = k > 0n ? ONE << k : ONE;
  const whole = k > 0n ? x : m;
  const z = ((whole - unit) << BITS) / (whole + unit);
  return k * logRatio(ONE / 3n) + logRatio(z);
}

/** log(1 + q), q > −1. */
export const exactLog1p = (q: bigint): bigint => exactLog(ONE + q);

/** e^x − 1. */
export const exactExpm1 = (x: bigint): bigint => exactExp(x) - ONE;

/** The hyperbolic tangent. */
export function exactTanh(x: bigint): bigint {
  const e = exactExp(2n * x);
  return ((e - ONE) << BITS) / (e + ONE);
}

/** b^g, b > 0. */
export const exactPow = (b: bigint, g: bigint): bigint => exactExp(times(g, exactLog(b)));

/** |got − truth| in units in the last place of a float as large as truth, to 12 digits: of a float32, or one of other sizes. */
export function ulpsOff(got: number, truth: bigint, digits = 23n, lowest = -126n): number {
  const positive = truth < 0n ? -truth : truth;
  const size = BigInt(positive.toString(2).length) - 1n - BITS;
  const place = (size < lowest ? lowest : size) - digits + BITS;
  const off = fixed(got) - truth;
  return Number(((off < 0n ? -off : off) * 10n ** 12n) >> place) / 1e12;
}

/** The first digits after the point of a fixed-point number below 1. */
export const digitsOf = (x: bigint, count: number): string =>
  ((x * 10n ** BigInt(count)) >> BITS).toString().padStart(count, '0');
