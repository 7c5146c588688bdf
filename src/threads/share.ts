// Modules with a memory of their own, made to import one that threads share. Nothing else in them changes: which memory an
// instruction means is its index, and a memory that is imported has the same one.

const TYPES = 1;
const IMPORTS = 2;
const MEMORIES = 5;
/** Kinds of what is imported. */
const MEMORY = 2;
/** Limits of a memory: shared, with a maximum. */
const SHARED = 3;
/** Pages of 4 GiB. */
const MOST = 65536;

/** Numbers of a module, which end with their first byte below 128. */
class Reader {
  at = 8; // behind magic number and version

  constructor(readonly bytes: Uint8Array) {}

  number(): number {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = this.bytes[this.at++] as number;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  }

  /** Limits of a memory, of which the first number is the pages that there are at least. */
  pages(): number {
    const limits = this.number();
    const pages = this.number();
    if (limits & 1) this.number();
    return pages;
  }

  take(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function numberBytes(value: number): number[] {
  const low = value % 128;
  return value < 128 ? [value] : [low + 128, ...numberBytes((value - low) / 128)];
}

const section = (id: number, body: readonly number[]): number[] => [id, ...numberBytes(body.length), ...body];
const memoryOf = (pages: number): number[] => [MEMORY, SHARED, ...numberBytes(pages), ...numberBytes(MOST)];
const textOf = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];

/** The imports of a module of which a memory is the only one. */
function importsOf(reader: Reader): { head: number[]; pages: number } {
  const start = reader.at;
  reader.number();
  for (let names = 0; names < 2; names++) reader.take(reader.number());
  const head = [...reader.bytes.subarray(start, reader.at)];
  reader.number();
  return { head, pages: reader.pages() };
}

/** A module that imports its memory, shared, as env.memory, and the pages that it needs. */
export function share(bytes: Uint8Array): { bytes: Uint8Array<ArrayBuffer>; pages: number } {
  const reader = new Reader(bytes);
  const parts: (Uint8Array | number[])[] = [reader.bytes.subarray(0, 8)];
  let place = 1;
  let imports: number[] = [];
  let found = 0;
  while (reader.at < bytes.length) {
    const start = reader.at;
    const id = reader.number();
    const end = reader.number() + reader.at;
    if (id === MEMORIES) {
      reader.number();
      found = reader.pages();
      imports = section(IMPORTS, [1, ...textOf('env'), ...textOf('memory'), ...memoryOf(found)]);
    } else if (id === IMPORTS) {
      const { head, pages } = importsOf(reader);
      found = pages;
      imports = section(IMPORTS, [...head, ...memoryOf(pages)]);
    } else parts.push(bytes.subarray(start, end));
    reader.at = end;
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
