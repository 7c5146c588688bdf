// SIMD for runtimes that have none: a module of the simd tier turned into one that needs nothing beyond WebAssembly with
// several results (2020). Every v128 becomes four float32 of the same bits, on the stack, in locals, parameters and results,
// and every SIMD instruction the instructions of its lanes; so the scalar tier costs no bytes and its results are those of the
// simd tier, bit for bit (test/tiers.test.ts, test/math). It is about as fast as the same source compiled for one lane.

import { leb, Reader } from './bytes.ts';
import { Code } from './code.ts';
import { codesOf, type Signature, typeOf } from './opcodes.ts';

const TYPES = 1;
const FUNCTIONS = 3;
const EXPORTS = 7;
const CODE = 10;
/** A body that returns 0: that of `tier`, whose number tells what a module is. */
const ZERO = [0, 0x41, 0, 0x0b];

/** A module of the simd tier without SIMD. */
export function lower(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const from = new Reader(module, 8);
  const out = [...module.subarray(0, 8)];
  const types: Signature[] = [];
  let functions: number[] = [];
  let tier = -1;
  while (!from.done) {
    const id = from.byte();
    const body = from.bytes(from.number());
    let lowered: ArrayLike<number> = body;
    if (id === TYPES) lowered = lowerTypes(new Reader(body), types);
    else if (id === FUNCTIONS) functions = readList(new Reader(body));
    else if (id === EXPORTS) tier = findExport(new Reader(body), 'tier');
    else if (id === CODE) lowered = lowerCode(new Reader(body), types, functions, tier);
    append(out, [id, ...leb(lowered.length)]);
    append(out, lowered);
  }
  return Uint8Array.from(out);
}

/** Appends bytes, of which there may be more than fit a call. */
function append(to: number[], bytes: ArrayLike<number>): void {
  for (let i = 0; i < bytes.length; i++) to.push(bytes[i] as number);
}

const readList = (from: Reader): number[] => Array.from({ length: from.number() }, () => from.number());

function lowerTypes(from: Reader, types: Signature[]): number[] {
  const out: number[] = [];
  for (let n = from.number(); n > 0; n--) {
    from.byte(); // a function
    const [params = [], results = []] = [0, 0].map(() =>
      Array.from({ length: from.number() }, () => typeOf(from.byte())),
    );
    types.push({ params, results });
  }
  // and the one of a block that leaves a v128
  for (const { params, results } of [...types, { params: [], results: ['v' as const] }]) {
    out.push(0x60);
    for (const codes of [codesOf(params), codesOf(results)]) out.push(...leb(codes.length), ...codes);
  }
  return [...leb(types.length + 1), ...out];
}

/** The index of an exported function. */
function findExport(from: Reader, name: string): number {
  for (let n = from.number(); n > 0; n--) {
    const found = String.fromCharCode(...from.bytes(from.number()));
    from.byte(); // of what kind
    const index = from.number();
    if (found === name) return index;
  }
  return -1;
}

function lowerCode(from: Reader, types: readonly Signature[], functions: readonly number[], tier: number): number[] {
  const count = from.number();
  const out = leb(count);
  for (let i = 0; i < count; i++) {
    const body = from.bytes(from.number());
    const lowered = i === tier ? ZERO : new Code(body, functions[i] as number, types, functions).run();
    append(out, leb(lowered.length));
    append(out, lowered);
  }
  return out;
}
