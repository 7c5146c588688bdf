/**
 * A small seeded generator (mulberry32), so that a run can be repeated exactly.
 *
 * @param {number} seed any integer
 * @returns {() => number} uniform numbers in [0, 1)
 */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Shuffles in place (Fisher-Yates).
 *
 * @template {number[] | Int32Array} A
 * @param {A} items
 * @param {() => number} next
 * @returns {A}
 */
export function shuffle(items, next) {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
  return items;
}

/**
 * Splits the rows 0 … count - 1 into training and test rows.
 *
 * @param {number} count
 * @param {number} seed
 * @param {number} [share] share of the rows to train on
 */
export function splitRows(count, seed, share = 0.75) {
  const rows = shuffle(
    Array.from({ length: count }, (_, i) => i),
    random(seed),
  );
  const cut = Math.round(count * share);
  return { train: rows.slice(0, cut), test: rows.slice(cut) };
}
