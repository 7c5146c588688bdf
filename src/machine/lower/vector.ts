// SIMD instructions, lane by lane.

import { leb } from './bytes.ts';
import type { Lanes } from './lanes.ts';
import { LANEWISE, PAIRWISE, type Type } from './opcodes.ts';

const SELECT = 0x1b;
const LOAD = 0x2a; // f32.load
const STORE = 0x38; // f32.store
const I32 = 0x41; // i32.const
const F32 = 0x43; // f32.const
const TO_LANE = 0xbe; // f32.reinterpret_i32
const ZERO = [F32, 0, 0, 0, 0];

/** The SIMD instructions of a function. */
export class Vector {
  readonly #to: Lanes;

  constructor(to: Lanes) {
    this.#to = to;
  }

  /** Alignment and offset of a memory access, the alignment no more than that of a lane. */
  #place(): { align: number; offset: number } {
    return { align: Math.min(this.#to.in.number(), 2), offset: this.#to.in.number() };
  }

  /** Lowers an instruction. */
  run(opcode: number): void {
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
    this.#to.take(operands);
    this.#to.lanes((lane) => {
      if (leaves === 'mask') this.#to.emit(I32, 0);
      for (let i = 0; i < operands; i++) {
        if (floats) this.#to.get(this.#to.lane(i, lane));
        else this.#to.bits(i, lane);
      }
      this.#to.emit(...code);
      if (leaves === 'mask') this.#to.emit(0x6b); // 0 − 1 has all bits
      if (leaves !== 'float') this.#to.emit(TO_LANE);
    });
  }

  #pairwise({ code, compares }: (typeof PAIRWISE)[number]): void {
    this.#to.take(2);
    for (const half of [0, 1]) {
      if (compares) this.#to.emit(I32, 0);
      this.#to.double(0, half);
      this.#to.double(1, half);
      this.#to.emit(code);
      if (!compares) this.#to.split();
      else {
        this.#to.emit(0x6b, TO_LANE);
        this.#to.set(this.#to.own);
        this.#to.get(this.#to.own);
        this.#to.get(this.#to.own);
      }
    }
    this.#to.stack.push('v');
  }

  /** The same lane four times. */
  #spread(): void {
    this.#to.set(this.#to.own);
    this.#to.pop(1);
    this.#to.lanes(() => this.#to.get(this.#to.own));
  }

  /** pmin, pmax: the second operand where it is smaller, or larger. */
  #pick(larger: boolean): void {
    this.#to.take(2);
    this.#to.lanes((lane) => {
      const [a, b] = [this.#to.lane(0, lane), this.#to.lane(1, lane)];
      for (const local of larger ? [b, a, a, b] : [b, a, b, a]) this.#to.get(local);
      this.#to.emit(0x5d, SELECT); // f32.lt
    });
  }

  #shift(code: number): void {
    this.#to.set(this.#to.int);
    this.#to.pop(1);
    this.#to.take(1);
    this.#to.lanes((lane) => {
      this.#to.bits(0, lane);
      this.#to.get(this.#to.int);
      this.#to.emit(code, TO_LANE);
    });
  }

  #extract(type: Type): void {
    const lane = this.#to.in.byte();
    this.#to.take(1);
    if (type === 'd') this.#to.double(0, lane);
    else if (type === 'i') this.#to.bits(0, lane);
    else this.#to.get(this.#to.lane(0, lane));
    this.#to.stack.push(type);
  }

  /** Instructions that are like no other, by their SIMD opcode. */
  readonly #others: Readonly<Record<number, () => void>> = {
    0: () => {
      // v128.load
      const { align, offset } = this.#place();
      this.#to.set(this.#to.int);
      this.#to.pop(1);
      this.#to.lanes((lane) => {
        this.#to.get(this.#to.int);
        this.#to.emit(LOAD, align, ...leb(offset + 4 * lane));
      });
    },
    11: () => {
      // v128.store
      const { align, offset } = this.#place();
      this.#to.take(1);
      this.#to.set(this.#to.int);
      this.#to.pop(1);
      for (let lane = 0; lane < 4; lane++) {
        this.#to.get(this.#to.int);
        this.#to.get(this.#to.lane(0, lane));
        this.#to.emit(STORE, align, ...leb(offset + 4 * lane));
      }
    },
    9: () => {
      // v128.load32_splat
      const { align, offset } = this.#place();
      this.#to.emit(LOAD, align, ...leb(offset));
      this.#spread();
    },
    92: () => {
      // v128.load32_zero
      const { align, offset } = this.#place();
      this.#to.emit(LOAD, align, ...leb(offset), ...ZERO, ...ZERO, ...ZERO);
      this.#to.pop(1);
      this.#to.stack.push('v');
    },
    86: () => {
      // v128.load32_lane
      const { align, offset } = this.#place();
      const lane = this.#to.in.byte();
      this.#to.take(1);
      this.#to.emit(LOAD, align, ...leb(offset));
      this.#to.set(this.#to.lane(0, lane));
      this.#to.pop(1);
      this.#to.lanes((each) => this.#to.get(this.#to.lane(0, each)));
    },
    90: () => {
      // v128.store32_lane
      const { align, offset } = this.#place();
      const lane = this.#to.in.byte();
      this.#to.take(1);
      this.#to.get(this.#to.lane(0, lane));
      this.#to.emit(STORE, align, ...leb(offset));
      this.#to.pop(1);
    },
    91: () => {
      // v128.store64_lane, of the lower half
      const { align, offset } = this.#place();
      this.#to.in.byte();
      this.#to.take(1);
      this.#to.set(this.#to.int);
      this.#to.pop(1);
      for (let lane = 0; lane < 2; lane++) {
        this.#to.get(this.#to.int);
        this.#to.get(this.#to.lane(0, lane));
        this.#to.emit(STORE, align, ...leb(offset + 4 * lane));
      }
    },
    12: () => this.#to.lanes(() => this.#to.emit(F32, ...this.#to.in.bytes(4))), // v128.const
    13: () => {
      // i8x16.shuffle, of whole lanes
      this.#to.take(2);
      const bytes = this.#to.in.bytes(16);
      this.#to.lanes((lane) => this.#to.get(this.#to.own + (bytes[4 * lane] as number) / 4));
    },
    17: () => {
      // i32x4.splat
      this.#to.emit(TO_LANE);
      this.#spread();
    },
    19: () => this.#spread(), // f32x4.splat
    20: () => {
      // f64x2.splat
      this.#to.split();
      this.#to.set(this.#to.own + 1);
      this.#to.set(this.#to.own);
      this.#to.pop(1);
      this.#to.lanes((lane) => this.#to.get(this.#to.own + (lane & 1)));
    },
    27: () => this.#extract('i'),
    31: () => this.#extract('f'),
    33: () => this.#extract('d'),
    82: () => {
      // v128.bitselect: b ^ ((a ^ b) & mask)
      this.#to.take(3);
      this.#to.lanes((lane) => {
        for (const operand of [1, 0, 1]) this.#to.bits(operand, lane);
        this.#to.emit(0x73);
        this.#to.bits(2, lane);
        this.#to.emit(0x71, 0x73, TO_LANE);
      });
    },
    83: () => {
      // v128.any_true
      this.#to.take(1);
      for (let lane = 0; lane < 4; lane++) {
        this.#to.bits(0, lane);
        if (lane > 0) this.#to.emit(0x72);
      }
      this.#to.emit(I32, 0, 0x47);
      this.#to.stack.push('i');
    },
    94: () => {
      // f32x4.demote_f64x2_zero
      this.#to.take(1);
      for (const half of [0, 1]) {
        this.#to.double(0, half);
        this.#to.emit(0xb6);
      }
      this.#to.emit(...ZERO, ...ZERO);
      this.#to.stack.push('v');
    },
    95: () => {
      // f64x2.promote_low_f32x4
      this.#to.take(1);
      for (const lane of [0, 1]) {
        this.#to.get(this.#to.lane(0, lane));
        this.#to.emit(0xbb);
        this.#to.split();
      }
      this.#to.stack.push('v');
    },
    171: () => this.#shift(0x74),
    172: () => this.#shift(0x75),
    173: () => this.#shift(0x76),
    234: () => this.#pick(false),
    235: () => this.#pick(true),
  };
}
