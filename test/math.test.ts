/**
 * Error bounds of the functions of assembly/math, per tier. `npm test` walks through the float32 of each domain in strides;
 * LOSSMITH_LONG=1 looks at every one of exp and log1p and at more of the others. The truth is the host's float64 function, whose
 * own error is 1e-9 of a float32 unit (between neighbours its Taylor series, which is faster); the worst cases found are looked
 * at again with 77 digits.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { digitsOf, exactExp, exactExpm1, exactLog, exactLog1p, exactTanh, fixed, ulpsOff } from './math/exact.ts';
import { CHUNK, type MathModule, type MathName, mathModules } from './math/module.ts';
import { randomFrom } from './reference/random.ts';

const long = process.env.LOSSMITH_LONG === '1';
const timeout = 600_000;

/** The bounds stated above the functions, in ULP; fused multiply-adds round elsewhere. */
const BOUNDS = {
  exp: { scalar: 1, simd: 1, relaxed: 1.03 },
  expAny: { scalar: 1, simd: 1, relaxed: 1.03 },
  refine: { scalar: 1.6, simd: 1.6, relaxed: 1.6 },
  expm1: { scalar: 3, simd: 3, relaxed: 3 },
  tanh: { scalar: 4, simd: 4, relaxed: 4 },
  log1p: { scalar: 2, simd: 2, relaxed: 2 },
  log: { scalar: 1.5, simd: 1.5, relaxed: 1.5 },
} as const;
/** e^x is 0 below it: −126.5·ln 2. */
const LOWEST = Math.fround(-87.68311);
/** The largest x whose e^x is a float32. */
const MOST = 88.72283;
/** log1p is for q below it. */
const HIGHEST = 2 ** 126;

const bitsOf = (x: number): number => new Uint32Array(Float32Array.of(x).buffer)[0]!;
const next = (x: number): number => new Float32Array(Uint32Array.of(bitsOf(x) + 1).buffer)[0]!;

/** float32 in the order of their bits, which is that of their size. Both ends belong to the range. */
type Range = readonly [first: number, last: number];
const range = (from: number, to: number): Range => [bitsOf(from), bitsOf(to)];

/** One function over a range, in every tier, and its truth. */
interface Sweep {
  readonly run: (module: MathModule, n: number) => void;
  readonly truth: (x: number) => number;
  /** Writes the truth of neighbours, x[from] … x[to − 1], to `truths`. */
  readonly near?: (x: Float32Array, from: number, to: number) => void;
  readonly exact: (x: number) => bigint;
}

interface Found {
  readonly x: number;
  readonly got: number;
  readonly ulps: number;
}

/** Largest errors, the last of them the largest of all. */
type Worst = Found[];

const modules: MathModule[] = [];
const truths = new Float64Array(CHUNK);
const truthWords = new Uint32Array(truths.buffer);

/** 2^(23 − e) by the exponent field of a float64, e not below that of the smallest normal float32: 1/ULP. */
const perUnit = Float64Array.from({ length: 2047 }, (_, field) => 2 ** (23 - Math.max(field - 1023, -126)));

/** Neighbours that one Taylor series serves: they differ by 2^-14 relative, or by 2^-8 below −64. */
const NEAR = 1024;

const expNear = (x: Float32Array, from: number, to: number): void => {
  const c = x[(from + to) >> 1]!;
  const scale = Math.exp(c);
  const [half, third, quarter, fifth] = [1 / 2, 1 / 3, 1 / 4, 1 / 5];
  for (let i = from; i < to; i++) {
    const h = x[i]! - c;
    truths[i] = scale * (1 + h * (1 + half * h * (1 + third * h * (1 + quarter * h * (1 + fifth * h)))));
  }
};

const log1pNear = (x: Float32Array, from: number, to: number): void => {
  const c = x[(from + to) >> 1]!;
  if (c < -0.25) {
    // close to −1 neighbours are far from each other in 1 + q
    for (let i = from; i < to; i++) truths[i] = Math.log1p(x[i]!);
    return;
  }
  const base = Math.log1p(c);
  const inverse = 1 / (1 + c);
  const third = 1 / 3;
  for (let i = from; i < to; i++) {
    const u = (x[i]! - c) * inverse;
    truths[i] = base + u * (1 - u * (0.5 - u * (third - u * 0.25)));
  }
};

/** The exponent field of the i-th truth. */
const fieldOf = (i: number): number => (truthWords[2 * i + 1]! >>> 20) & 0x7ff;

/** Whether some of the errors from … to − 1, where all truths have one exponent, is larger than `ulps`. */
function exceeds(output: Float32Array, from: number, to: number, ulps: number): boolean {
  const limit = ulps / perUnit[fieldOf(from)]!;
  let within = true;
  // a comparison that NaN fails
  for (let i = from; i < to; i++) within = Math.abs(output[i]! - truths[i]!) <= limit && within;
  return !within;
}

/** Adds to `worst` where one of the first n errors of a chunk is larger than any before. */
function measure({ input, output }: MathModule, n: number, worst: Worst): void {
  for (let from = 0; from < n; from += NEAR) {
    const to = Math.min(n, from + NEAR);
    let largest = worst.at(-1)?.ulps ?? 0;
    // truths go up or down from value to value
    if (fieldOf(from) === fieldOf(to - 1) && !exceeds(output, from, to, largest)) continue;
    let at = -1;
    for (let i = from; i < to; i++) {
      const error = Math.abs(output[i]! - truths[i]!) * perUnit[fieldOf(i)]!;
      if (error <= largest) continue;
      largest = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
      at = i;
    }
    if (at >= 0) worst.push({ x: input[at]!, got: output[at]!, ulps: largest });
  }
}

/** Calls visit(n) with the next n values of a range in every module's input, `stride` float32 apart. */
function eachChunk([first, last]: Range, stride: number, visit: (n: number) => void): void {
  for (let bits = first; bits <= last; bits += stride * CHUNK) {
    const n = Math.min(CHUNK, Math.floor((last - bits) / stride) + 1);
    // whole vectors, the last of which may reach over the end
    for (const module of modules) module.fill(bits, stride, Math.ceil(n / 4) * 4);
    visit(n);
  }
}

/** The largest errors of each tier over ranges. */
function sweep({ run, truth, near }: Sweep, ranges: readonly Range[], stride: number): Worst[] {
  const worst: Worst[] = modules.map(() => []);
  for (const each of ranges) {
    eachChunk(each, stride, (n) => {
      const { input } = modules[0]!;
      if (stride === 1 && near) for (let i = 0; i < n; i += NEAR) near(input, i, Math.min(n, i + NEAR));
      else for (let i = 0; i < n; i++) truths[i] = truth(input[i]!);
      modules.forEach((module, t) => {
        run(module, Math.ceil(n / 4) * 4);
        measure(module, n, worst[t]!);
      });
    });
  }
  return worst;
}

/** Every tier's error is within its bound, and what float64 says about the worst of them is right. */
function judge(name: keyof typeof BOUNDS, { exact }: Sweep, worst: readonly Worst[], at = ''): void {
  worst.forEach((list, t) => {
    const { tier } = modules[t]!;
    expect(list.length, `${name}, ${tier}: some result is rounded`).toBeGreaterThan(0);
    if (long) console.info(`${name}, ${tier}: ${list.at(-1)?.ulps} ULP at ${list.at(-1)?.x}`);
    for (const { x, got, ulps } of list.slice(-5)) {
      const where = `${name}(${x}${at}) is ${got} in the ${tier} tier`;
      const off = ulpsOff(got, exact(x));
      expect(Math.abs(off - ulps), `${where}: ${off} ULP off, not ${ulps}`).toBeLessThan(1e-6);
      expect(off, `${where}, off by so many ULP`).toBeLessThan(BOUNDS[name][tier]);
    }
  });
}

beforeAll(async () => {
  modules.push(...(await mathModules()));
}, timeout);

describe('the judge', () => {
  it('knows e^-1 and log 2 to 60 digits', () => {
    expect(digitsOf(exactExp(fixed(-1)), 60)).toBe('367879441171442321595523770161460867445811131031767834507836');
    expect(digitsOf(exactLog1p(fixed(1)), 60)).toBe('693147180559945309417232121458176568075500134360255254120680');
    // q − q²/2; the next term has 90 zeros
    expect(digitsOf(exactLog1p(fixed(2 ** -100)), 88)).toBe(digitsOf(fixed(2 ** -100) - fixed(2 ** -201), 88));
  });

  it('measures in units of the last place', () => {
    expect(ulpsOff(1, fixed(1 + 2 ** -24))).toBe(0.5);
    expect(ulpsOff(1, fixed(1 - 2 ** -26))).toBe(0.25);
    expect(ulpsOff(0, fixed(2 ** -149))).toBe(1);
  });
});

describe('exp', () => {
  const exp: Sweep = {
    run: (module, n) => module.run('exp', n),
    truth: Math.exp,
    near: expNear,
    exact: (x) => exactExp(fixed(x)),
  };

  it(
    'is within its bound over its domain',
    () => {
      const worst = sweep(exp, [range(-0, LOWEST)], long ? 1 : 97);
      judge('exp', exp, worst);
    },
    timeout,
  );

  it(
    'is exactly 0 below its domain',
    () => {
      const zeros = Buffer.alloc(4 * CHUNK);
      eachChunk(range(next(LOWEST), Number.NEGATIVE_INFINITY), 97, (n) => {
        for (const module of modules) {
          module.run('exp', Math.ceil(n / 4) * 4);
          const { buffer, byteOffset } = module.output;
          expect(Buffer.from(buffer, byteOffset, 4 * n).equals(zeros.subarray(0, 4 * n)), module.tier).toBe(true);
        }
      });
    },
    timeout,
  );

  it('is 1 at 0 and keeps NaN', () => {
    for (const module of modules) {
      module.input.set([0, -0, Number.NaN, Number.NEGATIVE_INFINITY]);
      module.run('exp', 4);
      expect([...module.output.subarray(0, 4)], module.tier).toEqual([1, 1, Number.NaN, 0]);
    }
  });
});

describe('refine', () => {
  /** The float32 from m down to where e^(x − m) becomes 0. */
  const ranges = (m: number): Range[] => {
    // a step up: the difference may be rounded beyond the limit
    const low = Math.fround(m + LOWEST + 1e-4 * Math.abs(m));
    if (m <= 0) return [range(m || -0, low)];
    if (low >= 0) return [range(low, m)];
    return [range(0, m), range(-0, low)];
  };

  it(
    'is within its bound of e to the exact difference',
    () => {
      const random = randomFrom(3);
      const fixedOnes = [0, 1e-3, -1 / 3, 0.1, 2.5, 5.3, -17.7, 61.2, 88.7, -133.1, 1000.3, -12345.6, 3e5];
      const drawn = Array.from(
        { length: long ? 500 : 30 },
        () => 2 ** (20 * random() - 10) * (random() < 0.5 ? -1 : 1),
      );
      for (const m of [...fixedOnes, ...drawn].map(Math.fround)) {
        const refine: Sweep = {
          run: (module, n) => module.run('refine', n, m),
          truth: (x) => Math.exp(x - m),
          exact: (x) => exactExp(fixed(x) - fixed(m)),
        };
        const worst = sweep(refine, ranges(m), 4001);
        judge('refine', refine, worst, ` − ${m}`);
      }
    },
    timeout,
  );

  it('is 1 at the maximum, 0 at −Infinity, and keeps NaN', () => {
    for (const module of modules) {
      module.input.set([1.1, Number.NEGATIVE_INFINITY, Number.NaN, -200]);
      module.run('refine', 4, Math.fround(1.1));
      expect([...module.output.subarray(0, 4)], module.tier).toEqual([1, 0, Number.NaN, 0]);
    }
  });
});

describe('log1p', () => {
  const log1p: Sweep = {
    run: (module, n) => module.run('log1p', n),
    truth: Math.log1p,
    near: log1pNear,
    exact: (x) => exactLog1p(fixed(x)),
  };

  it(
    'is within its bound over its domain',
    () => {
      const below = bitsOf(HIGHEST) - 1;
      // and down to where 1 + q is the smallest step above 0
      const worst = sweep(log1p, [[0, below], range(-0, -1 + 2 ** -24)], long ? 1 : 199);
      judge('log1p', log1p, worst);
    },
    timeout,
  );

  it('is 0 at 0 and keeps NaN', () => {
    for (const module of modules) {
      module.input.set([0, Number.NaN, 1, 0]);
      module.run('log1p', 4);
      expect([...module.output.subarray(0, 2)], module.tier).toEqual([0, Number.NaN]);
    }
  });
});

interface Further {
  readonly name: Exclude<MathName, 'power'> & keyof typeof BOUNDS;
  readonly truth: (x: number) => number;
  readonly exact: (x: bigint) => bigint;
  readonly ranges: readonly Range[];
  /** What becomes of values that are no ordinary ones. */
  readonly special: readonly (readonly [x: number, y: number])[];
}

const { NaN: nan, POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minusInfinity } = Number;
const further: readonly Further[] = [
  {
    name: 'expAny',
    truth: Math.exp,
    exact: exactExp,
    ranges: [range(-0, -86.64), range(0, MOST)],
    special: [
      [nan, nan],
      [infinity, infinity],
      [minusInfinity, 0],
      [88.8, infinity],
      [1e30, infinity],
      [-88, 0],
      [0, 1],
    ],
  },
  {
    name: 'expm1',
    truth: Math.expm1,
    exact: exactExpm1,
    ranges: [range(-(2 ** -120), -60), range(2 ** -120, MOST)],
    special: [
      [nan, nan],
      [infinity, infinity],
      [minusInfinity, -1],
      [88.8, infinity],
      [-1e30, -1],
      [0, 0],
    ],
  },
  {
    name: 'tanh',
    truth: Math.tanh,
    exact: exactTanh,
    ranges: [range(-(2 ** -120), -30), range(2 ** -120, 30)],
    special: [
      [nan, nan],
      [infinity, 1],
      [minusInfinity, -1],
      [1e30, 1],
      [0, 0],
      [-0, -0],
    ],
  },
  {
    name: 'log',
    truth: Math.log,
    exact: exactLog,
    ranges: [range(2 ** -149, 3e38)],
    special: [
      [nan, nan],
      [infinity, infinity],
      [0, minusInfinity],
      [-0, minusInfinity],
      [-1, nan],
      [minusInfinity, nan],
      [1, 0],
    ],
  },
];

describe.each(further)('$name', ({ name, truth, exact, ranges, special }) => {
  it(
    'is within its bound over its domain',
    () => {
      const own: Sweep = { run: (module, n) => module.run(name, n), truth, exact: (x) => exact(fixed(x)) };
      judge(name, own, sweep(own, ranges, long ? 17 : 1999));
    },
    timeout,
  );

  it('is right at the ends, and keeps NaN', () => {
    for (const module of modules) {
      module.input.fill(1, 0, 8).set(special.map(([x]) => x));
      module.run(name, 8);
      expect([...module.output.subarray(0, special.length)], module.tier).toEqual(special.map(([, y]) => y));
    }
  });
});
