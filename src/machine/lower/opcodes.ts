// What lower/code.ts has to know of WebAssembly's instructions: what they take from the stack and leave on it, and for those of
// SIMD the instruction of one lane. The build fails on an instruction that is not here.

/** What is on the stack: i32, i64, f32, f64 or v128. */
export type Type = 'i' | 'l' | 'f' | 'd' | 'v';

const CODES: Readonly<Record<Type, number>> = { i: 0x7f, l: 0x7e, f: 0x7d, d: 0x7c, v: 0x7b };

/** The type of a code. */
export const typeOf = (code: number): Type =>
  (Object.keys(CODES) as Type[]).find((type) => CODES[type] === code) as Type;

/** The codes of types, a v128 being four float32. */
export const codesOf = (types: readonly Type[]): number[] =>
  types.flatMap((type) => (type === 'v' ? new Array<number>(4).fill(CODES.f) : [CODES[type]]));

/** A type of functions. */
export interface Signature {
  readonly params: readonly Type[];
  readonly results: readonly Type[];
}

/** Ranges of opcodes that are copied as they are: the last one, its operands and, if there is one, its result. */
const PLAIN = (
  '28 1i,29 1l,2a 1f,2b 1d,2f 1i,35 1l,3e 2,3f 0i,40 1i,41 0i,42 0l,43 0f,44 0d,45 1i,4f 2i,50 1i,66 2i,69 1i,78 2i,7b 1l,' +
  '8a 2l,91 1f,98 2f,9f 1d,a6 2d,ab 1i,b1 1l,b6 1f,bb 1d,bc 1i,bd 1l,be 1f,bf 1d,c1 1i,c4 1l'
).split(',');

/** The operands and the result of an instruction that is copied as it is. */
export function plain(opcode: number): { operands: number; result: Type | undefined } {
  const found = PLAIN.find((range) => opcode <= Number.parseInt(range, 16)) ?? '00 0';
  return { operands: Number(found[3]), result: found[4] as Type | undefined };
}

/** Numbers that follow an opcode: of LEB128, or so many bytes. */
export function immediates(opcode: number): { numbers: number; bytes: number } {
  if (opcode === 0x11 || (opcode >= 0x28 && opcode <= 0x3e)) return { numbers: 2, bytes: 0 };
  if (opcode === 0x43) return { numbers: 0, bytes: 4 };
  if (opcode === 0x44) return { numbers: 0, bytes: 8 };
  const one = [0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10, 0x20, 0x21, 0x22, 0x3f, 0x40, 0x41, 0x42].includes(opcode);
  return { numbers: one ? 1 : 0, bytes: 0 };
}

/** How an instruction on lanes treats them. */
export interface Lanewise {
  readonly operands: number;
  /** Whether it computes with float32 (else with int32, of the same bits). */
  readonly floats: boolean;
  /** 'mask': its 0 or 1 becomes a mask; 'bits': its int32 becomes float32 of the same bits; 'float': it is one already. */
  readonly leaves: 'mask' | 'bits' | 'float';
  readonly code: readonly number[];
}

const unary = (code: number): Lanewise => ({ operands: 1, floats: true, leaves: 'float', code: [code] });
const binary = (code: number): Lanewise => ({ ...unary(code), operands: 2 });
const compare = (code: number): Lanewise => ({ ...binary(code), leaves: 'mask' });
const integers = (...code: number[]): Lanewise => ({ operands: 2, floats: false, leaves: 'bits', code });

/** Instructions that do the same to each of four lanes, by their SIMD opcode. */
export const LANEWISE: Readonly<Record<number, Lanewise>> = {
  106: unary(0x90), // f32x4.nearest
  224: unary(0x8b), // abs
  225: unary(0x8c), // neg
  227: unary(0x91), // sqrt
  228: binary(0x92), // add
  229: binary(0x93), // sub
  230: binary(0x94), // mul
  231: binary(0x95), // div
  65: compare(0x5b), // eq
  66: compare(0x5c), // ne
  67: compare(0x5d), // lt
  68: compare(0x5e), // gt
  69: compare(0x5f), // le
  70: compare(0x60), // ge
  250: { operands: 1, floats: false, leaves: 'float', code: [0xb2] }, // f32x4.convert_i32x4_s
  55: { ...integers(0x46), leaves: 'mask' }, // i32x4.eq
  64: { ...integers(0x4f), leaves: 'mask' }, // ge_u
  174: integers(0x6a), // add
  177: integers(0x6b), // sub
  181: integers(0x6c), // mul
  78: integers(0x71), // v128.and
  79: integers(0x41, 0x7f, 0x73, 0x71), // andnot: and with the complement
  80: integers(0x72), // or
  81: integers(0x73), // xor
};

/** Instructions on two float64 lanes: that of one, and whether it compares. */
export const PAIRWISE: Readonly<Record<number, { readonly code: number; readonly compares: boolean }>> = {
  240: { code: 0xa0, compares: false }, // f64x2.add
  241: { code: 0xa1, compares: false }, // sub
  242: { code: 0xa2, compares: false }, // mul
  243: { code: 0xa3, compares: false }, // div
  72: { code: 0x62, compares: true }, // ne
  74: { code: 0x64, compares: true }, // gt
};
