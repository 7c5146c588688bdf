// What the code of a lowered function stands on: its bytes, the types on the stack, and locals for the lanes of three operands.

import { leb, type Reader } from './bytes.ts';
import { codesOf, type Type } from './opcodes.ts';

const GET = 0x20;
const SET = 0x21;
const I64 = 0x42; // i64.const
const TO_BITS = 0xbc; // i32.reinterpret_f32
const TO_LANE = 0xbe; // f32.reinterpret_i32

/** The code of a function as it grows. */
export class Lanes {
  readonly in: Reader;
  readonly out: number[] = [];
  readonly stack: Type[] = [];
  /** Locals of the code's own: the lanes of three operands, an i32, an i64. */
  own = 0;
  int = 0;
  long = 0;

  constructor(input: Reader) {
    this.in = input;
  }

  /** Declares the code's own locals, of which the first has the given index. */
  declare(index: number): void {
    this.emit(12, ...codesOf(['f']), 1, ...codesOf(['i']), 1, ...codesOf(['l']));
    this.own = index;
    this.int = index + 12;
    this.long = index + 13;
  }

  emit(...bytes: readonly number[]): void {
    for (const byte of bytes) this.out.push(byte);
  }

  get(local: number): void {
    this.emit(GET, ...leb(local));
  }

  set(local: number): void {
    this.emit(SET, ...leb(local));
  }

  pop(count: number): void {
    this.stack.length -= count;
  }

  /** The local of a lane of an operand. */
  lane(operand: number, lane: number): number {
    return this.own + 4 * operand + lane;
  }

  /** Takes operands from the stack, the last one first. */
  take(operands: number): void {
    for (let i = 4 * operands - 1; i >= 0; i--) this.set(this.own + i);
    this.pop(operands);
  }

  /** Leaves a v128 on the stack, lane by lane. */
  lanes(leave: (lane: number) => void): void {
    for (let lane = 0; lane < 4; lane++) leave(lane);
    this.stack.push('v');
  }

  /** Leaves a lane of an operand as int32. */
  bits(operand: number, lane: number): void {
    this.get(this.lane(operand, lane));
    this.emit(TO_BITS);
  }

  /** Leaves a float64 lane of an operand. */
  double(operand: number, half: number): void {
    this.bits(operand, 2 * half);
    this.emit(0xad); // i64.extend_i32_u
    this.bits(operand, 2 * half + 1);
    this.emit(0xad, I64, 32, 0x86, 0x84, 0xbf); // shl, or, f64.reinterpret
  }

  /** Turns a float64 into two lanes. */
  split(): void {
    this.emit(0xbd); // i64.reinterpret_f64
    this.set(this.long);
    this.get(this.long);
    this.emit(0xa7, TO_LANE); // i32.wrap_i64
    this.get(this.long);
    this.emit(I64, 32, 0x88, 0xa7, TO_LANE); // shr_u
  }
}
