// Bytes of linear memory, which other entries read.

import type { LinearMemory } from './memory.ts';

/** A view of `length` bytes at an address. */
export const bytesAt = ({ memory }: LinearMemory, address: number, length: number): Uint8Array =>
  new Uint8Array(memory.buffer, address, length);
