// Turns the text of the other modules back into bytes (text.mjs writes it, src/machine/modules/text.ts calls this). A module of
// its own, since the first call of the library runs it once: in JavaScript's interpreter its loops take milliseconds, here a
// fifth of one. Memory holds the rank of each ASCII character at 0 and the byte of each rank at 128.

/** Decodes the text from `at` to `end` to bytes at `out`: ranks below `singles` are one character, others two. */
export function decode(at: usize, end: usize, out: usize, singles: u32, size: u32): usize {
  while (at < end) {
    let rank: u32 = load<u8>(load<u8>(at++));
    if (rank >= singles) rank = singles + (rank - singles) * size + load<u8>(load<u8>(at++));
    store<u8>(out++, load<u8>(rank, 128));
  }
  return out;
}

/**
 * The bytes that differ from those at `base` as the bytes from `at` to `end` say: a number, so many new bytes, a number of bytes
 * of the base and how far they lie from the last ones, over and over. Writes them to `out`; where they end.
 */
export function patch(at: usize, end: usize, base: usize, out: usize): usize {
  while (at < end) {
    const fresh = number(at);
    at = next(at);
    memory.copy(out, at, fresh);
    at += fresh, out += fresh;
    if (at == end) break;
    const length = number(at);
    at = next(at);
    const step = number(at);
    at = next(at);
    base += step & 1 ? -((step + 1) >> 1) : step >> 1;
    memory.copy(out, base, length);
    base += length, out += length;
  }
  return out;
}

/** The LEB128 number at a place. */
function number(at: usize): usize {
  let value: usize = 0, shift: usize = 0, byte: usize = 0;
  do {
    byte = load<u8>(at++);
    value |= (byte & 127) << shift;
    shift += 7;
  } while (byte > 127);
  return value;
}

/** The place behind it. */
function next(at: usize): usize {
  while (load<u8>(at) > 127) at++;
  return at + 1;
}
