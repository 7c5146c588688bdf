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
