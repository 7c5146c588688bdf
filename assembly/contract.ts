// Makes the module of the relaxed tier out of that of the simd tier: text.mjs writes what it needs, src/machine/modules/contract.ts
// calls it. A module of its own, since entries of one tier have no use for it.

/** Instructions of the binary format, and the end of the function that says which tier a module is of: a constant, and `end`. */
const MUL = 0x01e6fd, ADD = 0x01e4fd, MADD = 0x0285fd, SIMD = 0x0b0141, RELAXED = 0x0b0241;

/**
 * The relaxed tier's bytes out of the simd tier's, from `at` to `end`. The places where these may differ are alike in bytes: a
 * multiplication, which goes; an addition, which becomes a multiply-add; the number of the tier. The bits from `bits` on say for
 * each whether it does. Functions and the section that holds them get other sizes. Writes to `out`; where that ends.
 */
export function contract(at: usize, end: usize, bits: usize, out: usize): usize {
  const header = 8;
  memory.copy(out, at, header);
  at += header, out += header;
  let place = 0;
  while (at < end) {
    const code = load<u8>(at) == 10, inside = next(at + 1), past = inside + number(at + 1);
    // what lies before the first function: in the code, its number of functions
    const first = code ? next(inside) : past, from = code ? inside : at;
    if (code) store<u8>(out++, 10);
    const start = out;
    memory.copy(out, from, first - from);
    out += first - from;
    for (at = first; at < past; ) {
      const last = next(at) + number(at), own = out;
      let kept = at = next(at);
      for (; at < last; at++) {
        const byte = load<u8>(at);
        if (byte != 0xfd && byte != 0x41) continue;
        const three = load<u32>(at) & 0xffffff;
        if (three != MUL && three != ADD && three != SIMD) continue;
        const differs = load<u8>(bits + (place >> 3)) >> <u8>(place & 7) & 1;
        place++;
        if (!differs) continue;
        memory.copy(out, kept, at - kept);
        out += at - kept;
        if (three != MUL) {
          store<u32>(out, three == ADD ? MADD : RELAXED);
          out += 3;
        }
        kept = at + 3;
        at += 2;
      }
      memory.copy(out, kept, last - kept);
      out = sized(own, out + last - kept);
    }
    if (code) out = sized(start, out);
  }
  return out;
}

/** Moves the bytes from `start` to `end` back and writes how many they are in front of them; where they end then. */
function sized(start: usize, end: usize): usize {
  const size = end - start;
  let length = 1;
  for (let rest = size >> 7; rest > 0; rest >>= 7) length++;
  memory.copy(start + length, start, size);
  for (let i = 0, rest = size; i < length; i++, rest >>= 7) store<u8>(start + i, i + 1 < length ? rest | 128 : rest);
  return end + length;
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
