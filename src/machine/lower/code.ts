// One function without SIMD. The types on the stack are followed as validation does it, since `drop`, `select` and the like do
// not say what they work on.

import { leb, Reader } from './bytes.ts';
import { codesOf, immediates, LANEWISE, PAIRWISE, plain, type Signature, type Type, typeOf } from './opcodes.ts';

const NOP = 0x01;
const END = 0x0b;
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

/** A block that is open: how high the stack was, and what the block leaves on it. */
interface Frame {
  readonly height: number;
  readonly results: readonly Type[];
}

/** A function being lowered. */
export class Code {
  readonly #in: Reader;
  readonly #out: number[] = [];
  readonly #types: readonly Signature[];
  readonly #functions: readonly number[];
  /** Each local: its type, and the first of those that stand for it. */
  readonly #locals: { readonly type: Type; readonly index: number }[] = [];
  /** Locals of the code's own: the lanes of three operands, an i32, an i64. */
  readonly #own: number;
  readonly #int: number;
  readonly #long: number;
  readonly #stack: Type[] = [];
  readonly #frames: Frame[] = [];

  constructor(body: Uint8Array, type: number, types: readonly Signature[], functions: readonly number[]) {
    this.#in = new Reader(body);
    this.#types = types;
    this.#functions = functions;
    const { params, results } = types[type] as Signature;
    let index = 0;
    const declare = (type: Type): void => {
      this.#locals.push({ type, index });
      index += type === 'v' ? 4 : 1;
    };
    params.forEach(declare);
    const groups = this.#in.number();
    this.#emit(...leb(groups + 3));
    for (let i = 0; i < groups; i++) {
      const size = this.#in.number();
      const type = typeOf(this.#in.byte());
      for (let k = 0; k < size; k++) declare(type);
      this.#emit(...leb(type === 'v' ? 4 * size : size), codesOf([type])[0] as number);
    }
    this.#emit(12, ...codesOf(['f']), 1, ...codesOf(['i']), 1, ...codesOf(['l']));
    this.#own = index;
    this.#int = index + 12;
    this.#long = index + 13;
    this.#frames.push({ height: 0, results });
  }

  /** The lowered body. */
  run(): number[] {
    while (this.#frames.length > 0) this.#step(this.#in.byte());
    return this.#out;
  }

  #emit(...bytes: readonly number[]): void {
    for (const byte of bytes) this.#out.push(byte);
  }

  #get(local: number): void {
    this.#emit(GET, ...leb(local));
  }

  #set(local: number): void {
    this.#emit(SET, ...leb(local));
  }

  #pop(count: number): void {
    this.#stack.length -= count;
  }

  /** Puts an instruction and its immediates out as they are. */
  #copy(opcode: number): void {
    const { numbers, bytes } = immediates(opcode);
    this.#emit(opcode);
    for (let i = 0; i < numbers; i++) this.#emit(...this.#in.raw());
    this.#emit(...this.#in.bytes(bytes));
  }

  #step(opcode: number): void {
    if (opcode === NOP) return;
    if (opcode >= 0x02 && opcode <= 0x04) this.#open(opcode);
    else if (opcode === 0x05 || opcode === END) this.#close(opcode);
    else if (opcode === 0x00 || opcode === 0x0c || opcode === 0x0f) this.#leave(opcode);
    else if (opcode === 0x0d) {
      this.#copy(opcode);
      this.#pop(1);
    } else if (opcode === 0x10 || opcode === 0x11) this.#call(opcode);
    else if (opcode === 0x1a) for (const _ of codesOf([this.#stack.pop() as Type])) this.#emit(opcode);
    else if (opcode === SELECT || opcode === 0x1c) this.#select(opcode);
    else if (opcode >= GET && opcode <= 0x22) this.#local(opcode);
    else if (opcode === 0xfc) this.#bulk();
    else if (opcode === 0xfd) this.#simd(this.#in.number());
    else {
      const { operands, result } = plain(opcode);
      this.#copy(opcode);
      this.#pop(operands);
      if (result) this.#stack.push(result);
    }
  }

  /** block, loop, if. */
  #open(opcode: number): void {
    if (opcode === 0x04) this.#pop(1);
    const type = this.#in.byte();
    const results = type === 0x40 ? [] : [typeOf(type)];
    this.#emit(opcode, ...(results[0] === 'v' ? leb(this.#types.length) : [type]));
    this.#frames.push({ height: this.#stack.length, results });
  }

  /** else, end. */
  #close(opcode: number): void {
    const { height, results } = this.#frames.at(-1) as Frame;
    this.#stack.length = height;
    this.#emit(opcode);
    if (opcode !== END) return;
    this.#frames.pop();
    this.#stack.push(...results);
  }

  /** unreachable, br, return: what follows up to the end of the block is dead, and left out. */
  #leave(opcode: number): void {
    this.#copy(opcode);
    for (let depth = 0; ; ) {
      const next = this.#in.peek();
      if (depth === 0 && (next === 0x05 || next === END)) return;
      this.#in.byte();
      if (next >= 0x02 && next <= 0x04) depth += 1;
      else if (next === END) depth -= 1;
      else if (next > 0xfb) throw new Error(`lower: dead code with opcode ${next}`);
      const { numbers, bytes } = immediates(next);
      for (let i = 0; i < numbers; i++) this.#in.raw();
      this.#in.bytes(bytes);
    }
  }

  #call(opcode: number): void {
    const index = this.#in.number();
    const { params, results } = this.#types[opcode === 0x10 ? (this.#functions[index] as number) : index] as Signature;
    this.#emit(opcode, ...leb(index));
    if (opcode === 0x11) this.#emit(this.#in.byte()); // of which table
    this.#pop(params.length + (opcode === 0x11 ? 1 : 0));
    this.#stack.push(...results);
  }

  #select(opcode: number): void {
    if (opcode === 0x1c) this.#in.bytes(2); // the type, which the operands have
    this.#pop(1);
    if (this.#stack.at(-1) !== 'v') {
      this.#emit(SELECT);
      this.#pop(1);
      return;
    }
    this.#set(this.#int);
    this.#take(2);
    this.#lanes((lane) => {
      this.#get(this.#lane(0, lane));
      this.#get(this.#lane(1, lane));
      this.#get(this.#int);
      this.#emit(SELECT);
    });
  }

  /** local.get, local.set, local.tee. */
  #local(opcode: number): void {
    const { type, index } = this.#locals[this.#in.number()] as { type: Type; index: number };
    const size = type === 'v' ? 4 : 1;
    if (opcode !== GET) for (let i = size - 1; i >= 0; i--) this.#set(index + i);
    if (opcode !== SET) for (let i = 0; i < size; i++) this.#get(index + i);
    if (opcode === GET) this.#stack.push(type);
    else if (opcode === SET) this.#pop(1);
  }

  /** memory.copy, memory.fill. */
  #bulk(): void {
    const which = this.#in.number();
    this.#emit(0xfc, ...leb(which), ...this.#in.bytes(which === 10 ? 2 : 1));
    this.#pop(3);
  }

  /** The local of a lane of an operand. */
  #lane(operand: number, lane: number): number {
    return this.#own + 4 * operand + lane;
  }

  /** Takes operands from the stack, the last one first. */
  #take(operands: number): void {
    for (let i = 4 * operands - 1; i >= 0; i--) this.#set(this.#own + i);
    this.#pop(operands);
  }

  /** Leaves a v128 on the stack, lane by lane. */
  #lanes(leave: (lane: number) => void): void {
    for (let lane = 0; lane < 4; lane++) leave(lane);
    this.#stack.push('v');
  }

  /** Leaves a lane of an operand as int32. */
  #bits(operand: number, lane: number): void {
    this.#get(this.#lane(operand, lane));
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
    this.#set(this.#long);
    this.#get(this.#long);
    this.#emit(0xa7, TO_LANE); // i32.wrap_i64
    this.#get(this.#long);
    this.#emit(I64, 32, 0x88, 0xa7, TO_LANE); // shr_u
  }

  /** Alignment and offset of a memory access, the alignment no more than that of a lane. */
  #place(): { align: number; offset: number } {
    return { align: Math.min(this.#in.number(), 2), offset: this.#in.number() };
  }

  #simd(opcode: number): void {
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
        if (floats) this.#get(this.#lane(i, lane));
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
        this.#set(this.#own);
        this.#get(this.#own);
        this.#get(this.#own);
      }
    }
    this.#stack.push('v');
  }

  /** The same lane four times. */
  #spread(): void {
    this.#set(this.#own);
    this.#pop(1);
    this.#lanes(() => this.#get(this.#own));
  }

  /** pmin, pmax: the second operand where it is smaller, or larger. */
  #pick(larger: boolean): void {
    this.#take(2);
    this.#lanes((lane) => {
      const [a, b] = [this.#lane(0, lane), this.#lane(1, lane)];
      for (const local of larger ? [b, a, a, b] : [b, a, b, a]) this.#get(local);
      this.#emit(0x5d, SELECT); // f32.lt
    });
  }

  #shift(code: number): void {
    this.#set(this.#int);
    this.#pop(1);
    this.#take(1);
    this.#lanes((lane) => {
      this.#bits(0, lane);
      this.#get(this.#int);
      this.#emit(code, TO_LANE);
    });
  }

  #extract(type: Type): void {
    const lane = this.#in.byte();
    this.#take(1);
    if (type === 'd') this.#double(0, lane);
    else if (type === 'i') this.#bits(0, lane);
    else this.#get(this.#lane(0, lane));
    this.#stack.push(type);
  }

  /** Instructions that are like no other, by their SIMD opcode. */
  readonly #others: Readonly<Record<number, () => void>> = {
    0: () => {
      // v128.load
      const { align, offset } = this.#place();
      this.#set(this.#int);
      this.#pop(1);
      this.#lanes((lane) => {
        this.#get(this.#int);
        this.#emit(LOAD, align, ...leb(offset + 4 * lane));
      });
    },
    11: () => {
      // v128.store
      const { align, offset } = this.#place();
      this.#take(1);
      this.#set(this.#int);
      this.#pop(1);
      for (let lane = 0; lane < 4; lane++) {
        this.#get(this.#int);
        this.#get(this.#lane(0, lane));
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
      this.#set(this.#lane(0, lane));
      this.#pop(1);
      this.#lanes((each) => this.#get(this.#lane(0, each)));
    },
    90: () => {
      // v128.store32_lane
      const { align, offset } = this.#place();
      const lane = this.#in.byte();
      this.#take(1);
      this.#get(this.#lane(0, lane));
      this.#emit(STORE, align, ...leb(offset));
      this.#pop(1);
    },
    91: () => {
      // v128.store64_lane, of the lower half
      const { align, offset } = this.#place();
      this.#in.byte();
      this.#take(1);
      this.#set(this.#int);
      this.#pop(1);
      for (let lane = 0; lane < 2; lane++) {
        this.#get(this.#int);
        this.#get(this.#lane(0, lane));
        this.#emit(STORE, align, ...leb(offset + 4 * lane));
      }
    },
    12: () => this.#lanes(() => this.#emit(F32, ...this.#in.bytes(4))), // v128.const
    13: () => {
      // i8x16.shuffle, of whole lanes
      this.#take(2);
      const bytes = this.#in.bytes(16);
      this.#lanes((lane) => this.#get(this.#own + (bytes[4 * lane] as number) / 4));
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
      this.#set(this.#own + 1);
      this.#set(this.#own);
      this.#pop(1);
      this.#lanes((lane) => this.#get(this.#own + (lane & 1)));
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
        this.#get(this.#lane(0, lane));
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
