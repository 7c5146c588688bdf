/** A small seeded generator (mulberry32) of numbers in [0, 1), so that a run can be repeated exactly. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Shuffles the rows 0 … count - 1 (Fisher-Yates) and splits them into three quarters to train and one to test. */
export function splitRows(count, seed) {
  const next = random(seed);
  const rows = [...Array(count).keys()];
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  const cut = Math.round(0.75 * count);
  return { train: rows.slice(0, cut), test: rows.slice(cut) };
}
