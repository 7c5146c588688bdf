// Modules from the text in which the bundle holds their bytes.

import { CODES, decoder } from '../../generated/wasm.ts';

/** Compiles bytes that are right, so that only a policy can be against it. */
export function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    const remedy = "where a Content-Security-Policy forbids it, script-src needs 'wasm-unsafe-eval'";
    throw new Error(`lossmith: WebAssembly was not compiled (${reason}); ${remedy}`, { cause });
  }
}

/** The exports of the decoder. */
interface Decoder {
  readonly memory: WebAssembly.Memory;
  decode(at: number, end: number, out: number, singles: number, size: number): number;
  patch(at: number, end: number, base: number, out: number): number;
}

/**
 * Bytes from text: frequent bytes are one character, others two, as assembly/text.mjs writes them. (Not base64 by `atob`:
 * on some processors that one halves the speed of Math.exp for as long as the process lives.) `difference`: text of how other
 * bytes differ from those, which are wanted instead.
 */
export function decode(text: string, difference?: string): Uint8Array<ArrayBuffer> {
  const { bytes, alphabet, singles } = CODES;
  const { exports } = new WebAssembly.Instance(compile(Uint8Array.from(decoder)));
  const { memory, decode, patch } = exports as unknown as Decoder;
  // room for the texts, as many bytes, and what comes of them
  memory.grow(Math.ceil((3 * text.length + 3 * (difference?.length ?? 0)) / 65536));
  const all = new Uint8Array(memory.buffer);
  for (let i = 0; i < alphabet.length; i++) all[alphabet.charCodeAt(i)] = i;
  for (let i = 0; i < 256; i++) all[128 + i] = Number.parseInt(bytes.slice(2 * i, 2 * i + 2), 16);
  /** Puts a text somewhere, and its bytes behind it: where they start and end. */
  const put = (what: string, at: number): [start: number, end: number] => {
    const start = at + new TextEncoder().encodeInto(what, all.subarray(at)).written;
    return [start, decode(at, start, start, singles, alphabet.length)];
  };
  const [base, end] = put(text, 128 + 256);
  if (difference === undefined) return all.slice(base, end);
  const [from, to] = put(difference, end);
  return all.slice(to, patch(from, to, base, to));
}
