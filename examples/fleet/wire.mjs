// Results as text and back, bit by bit: JSON keeps every finite float64, and says nothing of the kind of an array, of NaN and of
// infinities.

const KINDS = { Float32Array, Float64Array, Int32Array };

const plain = (value) => (typeof value === 'number' && !Number.isFinite(value) ? { number: String(value) } : value);

/** A result as text. */
export function encode(value) {
  return JSON.stringify(value, (_, each) => {
    const kind = ArrayBuffer.isView(each) ? each[Symbol.toStringTag] : undefined;
    return kind in KINDS ? { array: kind, values: Array.from(each, plain) } : plain(each);
  });
}

/** A result out of its text. */
export function decode(text) {
  return JSON.parse(text, (_, each) => {
    if (each?.array in KINDS) return KINDS[each.array].from(each.values);
    return typeof each?.number === 'string' ? Number(each.number) : each;
  });
}
