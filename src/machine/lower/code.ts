// One function without SIMD. The types on the stack are followed as validation does it, since `drop`, `select` and the like do
// not say what they work on.

import { leb, Reader } from './bytes.ts';
import { Lanes } from './lanes.ts';
import { codesOf, immediates, plain, type Signature, type Type, typeOf } from './opcodes.ts';
import { Vector } from './vector.ts';

const NOP = 0x01;
const END = 0x0b;
const SELECT = 0x1b;
const GET = 0x20;
const SET = 0x21;

/** A block that is open: how high the stack was, and what the block leaves on it. */
interface Frame {
  readonly height: number;
  readonly results: readonly Type[];
}

/** A function being lowered. */
export class Code {
  readonly #to: Lanes;
  readonly #vector: Vector;
  readonly #types: readonly Signature[];
  readonly #functions: readonly number[];
  /** Each local: its type, and the first of those that stand for it. */
  readonly #locals: { readonly type: Type; readonly index: number }[] = [];
  readonly #frames: Frame[] = [];

  constructor(body: Uint8Array, type: number, types: readonly Signature[], functions: readonly number[]) {
    this.#to = new Lanes(new Reader(body));
    this.#vector = new Vector(this.#to);
    this.#types = types;
    this.#functions = functions;
    const { params, results } = types[type] as Signature;
    let index = 0;
    const declare = (type: Type): void => {
      this.#locals.push({ type, index });
      index += type === 'v' ? 4 : 1;
    };
    params.forEach(declare);
    const groups = this.#to.in.number();
    this.#to.emit(...leb(groups + 3));
    for (let i = 0; i < groups; i++) {
      const size = this.#to.in.number();
      const type = typeOf(this.#to.in.byte());
      for (let k = 0; k < size; k++) declare(type);
      this.#to.emit(...leb(type === 'v' ? 4 * size : size), codesOf([type])[0] as number);
    }
    this.#to.declare(index);
    this.#frames.push({ height: 0, results });
  }

  /** The lowered body. */
  run(): number[] {
    while (this.#frames.length > 0) this.#step(this.#to.in.byte());
    return this.#to.out;
  }

  /** Puts an instruction and its immediates out as they are. */
  #copy(opcode: number): void {
    const { numbers, bytes } = immediates(opcode);
    this.#to.emit(opcode);
    for (let i = 0; i < numbers; i++) this.#to.emit(...this.#to.in.raw());
    this.#to.emit(...this.#to.in.bytes(bytes));
  }

  #step(opcode: number): void {
    if (opcode === NOP) return;
    if (opcode >= 0x02 && opcode <= 0x04) this.#open(opcode);
    else if (opcode === 0x05 || opcode === END) this.#close(opcode);
    else if (opcode === 0x00 || opcode === 0x0c || opcode === 0x0f) this.#leave(opcode);
    else if (opcode === 0x0d) {
      this.#copy(opcode);
      this.#to.pop(1);
    } else if (opcode === 0x10 || opcode === 0x11) this.#call(opcode);
    else if (opcode === 0x1a) for (const _ of codesOf([this.#to.stack.pop() as Type])) this.#to.emit(opcode);
    else if (opcode === SELECT || opcode === 0x1c) this.#select(opcode);
    else if (opcode >= GET && opcode <= 0x22) this.#local(opcode);
    else if (opcode === 0xfc) this.#bulk();
    else if (opcode === 0xfd) this.#vector.run(this.#to.in.number());
    else {
      const { operands, result } = plain(opcode);
      this.#copy(opcode);
      this.#to.pop(operands);
      if (result) this.#to.stack.push(result);
    }
  }

  /** block, loop, if. */
  #open(opcode: number): void {
    if (opcode === 0x04) this.#to.pop(1);
    const type = this.#to.in.byte();
    const results = type === 0x40 ? [] : [typeOf(type)];
    this.#to.emit(opcode, ...(results[0] === 'v' ? leb(this.#types.length) : [type]));
    this.#frames.push({ height: this.#to.stack.length, results });
  }

  /** else, end. */
  #close(opcode: number): void {
    const { height, results } = this.#frames.at(-1) as Frame;
    this.#to.stack.length = height;
    this.#to.emit(opcode);
    if (opcode !== END) return;
    this.#frames.pop();
    this.#to.stack.push(...results);
  }

  /** unreachable, br, return: what follows up to the end of the block is dead, and left out. */
  #leave(opcode: number): void {
    this.#copy(opcode);
    for (let depth = 0; ; ) {
      const next = this.#to.in.peek();
      if (depth === 0 && (next === 0x05 || next === END)) return;
      this.#to.in.byte();
      if (next >= 0x02 && next <= 0x04) depth += 1;
      else if (next === END) depth -= 1;
      else if (next > 0xfb) throw new Error(`lower: dead code with opcode ${next}`);
      const { numbers, bytes } = immediates(next);
      for (let i = 0; i < numbers; i++) this.#to.in.raw();
      this.#to.in.bytes(bytes);
    }
  }

  #call(opcode: number): void {
    const index = this.#to.in.number();
    const { params, results } = this.#types[opcode === 0x10 ? (this.#functions[index] as number) : index] as Signature;
    this.#to.emit(opcode, ...leb(index));
    if (opcode === 0x11) this.#to.emit(this.#to.in.byte()); // of which table
    this.#to.pop(params.length + (opcode === 0x11 ? 1 : 0));
    this.#to.stack.push(...results);
  }

  #select(opcode: number): void {
    if (opcode === 0x1c) this.#to.in.bytes(2); // the type, which the operands have
    this.#to.pop(1);
    if (this.#to.stack.at(-1) !== 'v') {
      this.#to.emit(SELECT);
      this.#to.pop(1);
      return;
    }
    this.#to.set(this.#to.int);
    this.#to.take(2);
    this.#to.lanes((lane) => {
      this.#to.get(this.#to.lane(0, lane));
      this.#to.get(this.#to.lane(1, lane));
      this.#to.get(this.#to.int);
      this.#to.emit(SELECT);
    });
  }

  /** local.get, local.set, local.tee. */
  #local(opcode: number): void {
    const { type, index } = this.#locals[this.#to.in.number()] as { type: Type; index: number };
    const size = type === 'v' ? 4 : 1;
    if (opcode !== GET) for (let i = size - 1; i >= 0; i--) this.#to.set(index + i);
    if (opcode !== SET) for (let i = 0; i < size; i++) this.#to.get(index + i);
    if (opcode === GET) this.#to.stack.push(type);
    else if (opcode === SET) this.#to.pop(1);
  }

  /** memory.copy, memory.fill. */
  #bulk(): void {
    const which = this.#to.in.number();
    this.#to.emit(0xfc, ...leb(which), ...this.#to.in.bytes(which === 10 ? 2 : 1));
    this.#to.pop(3);
  }
}
