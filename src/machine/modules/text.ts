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
}

/**
 * Bytes from text: frequent bytes are one character, others two, as assembly/text.mjs writes them. (Not base64 by `atob`:
 * on some processors that one halves the speed of Math.exp for as long as the process lives.)
 */
export function decode(text: string): Uint8Array<ArrayBuffer> {
  const { bytes, alphabet, singles } = CODES;
  const { exports } = new WebAssembly.Instance(compile(Uint8Array.from(decoder)));
  const { memory, decode } = exports as unknown as Decoder;
  // room for the text and as many bytes
  memory.grow(Math.ceil((2 * text.length) / 65536));
  const all = new Uint8Array(memory.buffer);
  for (let i = 0; i < alphabet.length; i++) all[alphabet.charCodeAt(i)] = i;
  for (let i = 0; i < 256; i++) all[128 + i] = Number.parseInt(bytes.slice(2 * i, 2 * i + 2), 16);
  const at = 128 + 256;
  const start = at + text.length; // all of it is ASCII
  if (typeof TextEncoder === 'function') new TextEncoder().encodeInto(text, all.subarray(at));
  else for (let i = 0; i < text.length; i++) all[at + i] = text.charCodeAt(i);
  return all.slice(start, decode(at, start, start, singles, alphabet.length));
}
