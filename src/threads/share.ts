// Modules with a memory of their own, made to import one that threads share. Nothing else in them changes: which memory an
// instruction means is its index, and a memory that is imported has the same one.

import { internals as lib } from '../index.ts';

const TYPES = 1;
const IMPORTS = 2;
const MEMORIES = 5;
/** Kinds of what is imported. */
const MEMORY = 2;
/** Limits of a memory: shared, with a maximum. */
const SHARED = 3;
/** Pages of 4 GiB. */
const MOST = 65536;

type Reader = InstanceType<typeof lib.Reader>;

/** The limits of a memory, of which the first number is the pages that there are at least. */
function pagesOf(from: Reader): number {
  const limits = from.number();
  const pages = from.number();
  if (limits & 1) from.number();
  return pages;
}

const section = (id: number, body: readonly number[]): number[] => [id, ...lib.leb(body.length), ...body];
const memoryOf = (pages: number): number[] => [MEMORY, SHARED, ...lib.leb(pages), ...lib.leb(MOST)];
const textOf = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];

/** The imports of a module of which a memory is the only one: how many and its names, and its pages. */
function importsOf(body: Uint8Array): { head: Uint8Array; pages: number } {
  const from = new lib.Reader(body);
  from.number();
  for (let names = 0; names < 2; names++) from.bytes(from.number());
  const head = body.subarray(0, from.at);
  from.byte(); // of what kind
  return { head, pages: pagesOf(from) };
}

/** A module that imports its memory, shared, as env.memory, and the pages that it needs. */
export function share(bytes: Uint8Array): { bytes: Uint8Array<ArrayBuffer>; pages: number } {
  const from = new lib.Reader(bytes, 8);
  const parts: ArrayLike<number>[] = [bytes.subarray(0, 8)];
  let place = 1;
  let imports: number[] = [];
  let found = 0;
  while (!from.done) {
    const start = from.at;
    const id = from.byte();
    const body = from.bytes(from.number());
    if (id === MEMORIES) {
      const own = new lib.Reader(body);
      own.number();
      found = pagesOf(own);
      imports = section(IMPORTS, [1, ...textOf('env'), ...textOf('memory'), ...memoryOf(found)]);
    } else if (id === IMPORTS) {
      const { head, pages } = importsOf(body);
      found = pages;
      imports = section(IMPORTS, [...head, ...memoryOf(pages)]);
    } else parts.push(bytes.subarray(start, from.at));
    if (id === TYPES) place = parts.length;
  }
  parts.splice(place, 0, imports);
  const shared = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    shared.set(part, at);
    at += part.length;
  }
  return { bytes: shared, pages: found };
}
