// SIMD instructions as instructions of their lanes. An operand is taken from the stack into locals, a lane each, and a result left
// there lane by lane.

import { leb, type Reader } from './bytes.ts';
import { LANEWISE, PAIRWISE, type Type } from './opcodes.ts';

const SELECT = 0x1b;
const GET = 0x20;
const SET = 0x21;
const LOAD = 0x2a; // f32.load
const STORE = 0x38; // f32.store
const I32 = 0x41; // i32.const
const I64 = 0x42; // i64.const
const F32 = 0x43; // f32.const
const TO_BITS = 0xbc; // i32.reinterpret_f32
const TO_LANE = 0xbe; // f32.reinterpret_i32
const ZERO = [F32, 0, 0, 0, 0];

/** The SIMD instructions of a function. */
export class Lanes {
  readonly #in: Reader;
  readonly #out: number[];
  readonly #stack: Type[];
  /** Locals: the lanes of three operands, an i32, an i64. */
  readonly #own: number;
  readonly #int: number;
  readonly #long: number;

  /** Lowers what `from` reads to `out`; `own` is the first of fourteen locals, `stack` holds the types of what is on the stack. */
  constructor(from: Reader, out: number[], stack: Type[], own: number) {
    this.#in = from;
    this.#out = out;
    this.#stack = stack;
    this.#own = own;
    this.#int = own + 12;
    this.#long = own + 13;
  }

  #emit(...bytes: readonly number[]): void {
    for (const byte of bytes) this.#out.push(byte);
  }

  get(local: number): void {
    this.#emit(GET, ...leb(local));
  }

  set(local: number): void {
    this.#emit(SET, ...leb(local));
  }

  #pop(count: number): void {
    this.#stack.length -= count;
  }

  /** select of two v128. */
  select(): void {
    this.set(this.#int);
    this.#take(2);
    this.#lanes((lane) => {
      this.get(this.#lane(0, lane));
      this.get(this.#lane(1, lane));
      this.get(this.#int);
      this.#emit(SELECT);
    });
  }

  /** The local of a lane of an operand. */
  #lane(operand: number, lane: number): number {
    return this.#own + 4 * operand + lane;
  }

  /** Takes operands from the stack, the last one first. */
  #take(operands: number): void {
    for (let i = 4 * operands - 1; i >= 0; i--) this.set(this.#own + i);
    this.#pop(operands);
  }

  /** Leaves a v128 on the stack, lane by lane. */
  #lanes(leave: (lane: number) => void): void {
    for (let lane = 0; lane < 4; lane++) leave(lane);
    this.#stack.push('v');
  }

  /** Leaves a lane of an operand as int32. */
  #bits(operand: number, lane: number): void {
    this.get(this.#lane(operand, lane));
    this.#emit(TO_BITS);
  }

  /** Leaves a float64 lane of an operand. */
  #double(operand: number, half: number): void {
    this.#bits(operand, 2 * half);
    this.#emit(0xad); // i64.extend_i32_u
    this.#bits(operand, 2 * half + 1);
    this.#emit(0xad, I64, 32, 0x86, 0x84, 0xbf); // shl, or, f64.reinterpret
  }

  /** Turns a float64 into two lanes. */
  #split(): void {
    this.#emit(0xbd); // i64.reinterpret_f64
    this.set(this.#long);
    this.get(this.#long);
    this.#emit(0xa7, TO_LANE); // i32.wrap_i64
    this.get(this.#long);
    this.#emit(I64, 32, 0x88, 0xa7, TO_LANE); // shr_u
  }

  /** Alignment and offset of a memory access, the alignment no more than that of a lane. */
  #place(): { align: number; offset: number } {
    return { align: Math.min(this.#in.number(), 2), offset: this.#in.number() };
  }

  /** Lowers an instruction. */
  simd(opcode: number): void {
    const lanewise = LANEWISE[opcode];
    const pairwise = PAIRWISE[opcode];
    if (lanewise) this.#lanewise(lanewise);
    else if (pairwise) this.#pairwise(pairwise);
    else {
      const lower = this.#others[opcode];
      if (!lower) throw new Error(`lower: SIMD opcode ${opcode}`);
      lower();
    }
  }

  #lanewise({ operands, floats, leaves, code }: (typeof LANEWISE)[number]): void {
    this.#take(operands);
    this.#lanes((lane) => {
      if (leaves === 'mask') this.#emit(I32, 0);
      for (let i = 0; i < operands; i++) {
        if (floats) this.get(this.#lane(i, lane));
        else this.#bits(i, lane);
      }
      this.#emit(...code);
      if (leaves === 'mask') this.#emit(0x6b); // 0 − 1 has all bits
      if (leaves !== 'float') this.#emit(TO_LANE);
    });
  }

  #pairwise({ code, compares }: (typeof PAIRWISE)[number]): void {
    this.#take(2);
    for (const half of [0, 1]) {
      if (compares) this.#emit(I32, 0);
      this.#double(0, half);
      this.#double(1, half);
      this.#emit(code);
      if (!compares) this.#split();
      else {
        this.#emit(0x6b, TO_LANE);
        this.set(this.#own);
        this.get(this.#own);
        this.get(this.#own);
      }
    }
    this.#stack.push('v');
  }

  /** The same lane four times. */
  #spread(): void {
    this.set(this.#own);
    this.#pop(1);
    this.#lanes(() => this.get(this.#own));
  }

  /** pmin, pmax: the second operand where it is smaller, or larger. */
  #pick(larger: boolean): void {
    this.#take(2);
    this.#lanes((lane) => {
      const [a, b] = [this.#lane(0, lane), this.#lane(1, lane)];
      for (const local of larger ? [b, a, a, b] : [b, a, b, a]) this.get(local);
      this.#emit(0x5d, SELECT); // f32.lt
    });
  }

  #shift(code: number): void {
    this.set(this.#int);
    this.#pop(1);
    this.#take(1);
    this.#lanes((lane) => {
      this.#bits(0, lane);
      this.get(this.#int);
      this.#emit(code, TO_LANE);
    });
  }

  #extract(type: Type): void {
    const lane = this.#in.byte();
    this.#take(1);
    if (type === 'd') this.#double(0, lane);
    else if (type === 'i') this.#bits(0, lane);
    else this.get(this.#lane(0, lane));
    this.#stack.push(type);
  }

  /** Instructions that are like no other, by their SIMD opcode. */
  readonly #others: Readonly<Record<number, () => void>> = {
    0: () => {
      // v128.load
      const { align, offset } = this.#place();
      this.set(this.#int);
      this.#pop(1);
      this.#lanes((lane) => {
        this.get(this.#int);
        this.#emit(LOAD, align, ...leb(offset + 4 * lane));
      });
    },
    11: () => {
      // v128.store
      const { align, offset } = this.#place();
      this.#take(1);
      this.set(this.#int);
      this.#pop(1);
      for (let lane = 0; lane < 4; lane++) {
        this.get(this.#int);
        this.get(this.#lane(0, lane));
        this.#emit(STORE, align, ...leb(offset + 4 * lane));
      }
    },
    9: () => {
      // v128.load32_splat
      const { align, offset } = this.#place();
      this.#emit(LOAD, align, ...leb(offset));
      this.#spread();
    },
    92: () => {
      // v128.load32_zero
      const { align, offset } = this.#place();
      this.#emit(LOAD, align, ...leb(offset), ...ZERO, ...ZERO, ...ZERO);
      this.#pop(1);
      this.#stack.push('v');
    },
    86: () => {
      // v128.load32_lane
      const { align, offset } = this.#place();
      const lane = this.#in.byte();
      this.#take(1);
      this.#emit(LOAD, align, ...leb(offset));
      this.set(this.#lane(0, lane));
      this.#pop(1);
      this.#lanes((each) => this.get(this.#lane(0, each)));
    },
    90: () => {
      // v128.store32_lane
      const { align, offset } = this.#place();
      const lane = this.#in.byte();
      this.#take(1);
      this.get(this.#lane(0, lane));
      this.#emit(STORE, align, ...leb(offset));
      this.#pop(1);
    },
    91: () => {
      // v128.store64_lane, of the lower half
      const { align, offset } = this.#place();
      this.#in.byte();
      this.#take(1);
      this.set(this.#int);
      this.#pop(1);
      for (let lane = 0; lane < 2; lane++) {
        this.get(this.#int);
        this.get(this.#lane(0, lane));
        this.#emit(STORE, align, ...leb(offset + 4 * lane));
      }
    },
    12: () => this.#lanes(() => this.#emit(F32, ...this.#in.bytes(4))), // v128.const
    13: () => {
      // i8x16.shuffle, of whole lanes
      this.#take(2);
      const bytes = this.#in.bytes(16);
      this.#lanes((lane) => this.get(this.#own + (bytes[4 * lane] as number) / 4));
    },
    17: () => {
      // i32x4.splat
      this.#emit(TO_LANE);
      this.#spread();
    },
    19: () => this.#spread(), // f32x4.splat
    20: () => {
      // f64x2.splat
      this.#split();
      this.set(this.#own + 1);
      this.set(this.#own);
      this.#pop(1);
      this.#lanes((lane) => this.get(this.#own + (lane & 1)));
    },
    27: () => this.#extract('i'),
    31: () => this.#extract('f'),
    33: () => this.#extract('d'),
    82: () => {
      // v128.bitselect: b ^ ((a ^ b) & mask)
      this.#take(3);
      this.#lanes((lane) => {
        for (const operand of [1, 0, 1]) this.#bits(operand, lane);
        this.#emit(0x73);
        this.#bits(2, lane);
        this.#emit(0x71, 0x73, TO_LANE);
      });
    },
    83: () => {
      // v128.any_true
      this.#take(1);
      for (let lane = 0; lane < 4; lane++) {
        this.#bits(0, lane);
        if (lane > 0) this.#emit(0x72);
      }
      this.#emit(I32, 0, 0x47);
      this.#stack.push('i');
    },
    94: () => {
      // f32x4.demote_f64x2_zero
      this.#take(1);
      for (const half of [0, 1]) {
        this.#double(0, half);
        this.#emit(0xb6);
      }
      this.#emit(...ZERO, ...ZERO);
      this.#stack.push('v');
    },
    95: () => {
      // f64x2.promote_low_f32x4
      this.#take(1);
      for (const lane of [0, 1]) {
        this.get(this.#lane(0, lane));
        this.#emit(0xbb);
        this.#split();
      }
      this.#stack.push('v');
    },
    171: () => this.#shift(0x74),
    172: () => this.#shift(0x75),
    173: () => this.#shift(0x76),
    234: () => this.#pick(false),
    235: () => this.#pick(true),
  };
}
