/** What an error of the library looks like: its class, and the function's name at the head of its message. */

import { general, messageOf } from './finding.ts';
import type { Wrong } from './judge.ts';

/** What may speak in the library's own name: memory, and the end of an engine or of a tensor. */
const ofMemory = /^lossmith: .*(memory|disposed|freed|address space|WebAssembly)/s;

/** What is wrong with an error: it must be a TypeError or RangeError whose message opens with one of these. */
export function errorWrong(error: unknown, names: readonly (string | RegExp)[]): Wrong | undefined {
  const text = messageOf(error);
  const known = error instanceof TypeError || error instanceof RangeError;
  if (!known) return { check: `throws ${general(text)}`, detail: text };
  const { message } = error;
  if (
    ofMemory.test(message) ||
    names.some((name) => (typeof name === 'string' ? message.startsWith(`${name}: `) : name.test(message)))
  ) {
    return undefined;
  }
  return { check: `throws ${general(text)}`, detail: text };
}
