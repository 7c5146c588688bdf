/**
 * `npm test` draws samples of what takes long; LOSSMITH_ALL=1, or CI=true as in .ci/run, tries all of it. A sample of problems is
 * the same each time unless FC_SEED asks for another. Of rows that differ by the program that runs them it is the day's.
 */
import { randomFrom } from './reference/random.ts';

/** Whether nothing is left out. */
export const whole = process.env.LOSSMITH_ALL === '1' || process.env.CI === 'true';

const seed = Number(process.env.FC_SEED ?? 20240607);

/** A share of a list in its order, `least` of it at any rate; all of it where nothing is left out. */
export function sampled<T>(list: readonly T[], share: number, least = 1): readonly T[] {
  if (whole) return list;
  const random = randomFrom(seed + list.length);
  const count = Math.min(list.length, Math.max(least, Math.ceil(share * list.length)));
  const order = list.map((_, i) => [random(), i] as const).sort(([a], [b]) => a - b);
  const chosen = new Set(order.slice(0, count).map(([, i]) => i));
  return list.filter((_, i) => chosen.has(i));
}

/** The day that draws; LOSSMITH_DAY=2026-11-28 is that day again. */
export const day = process.env.LOSSMITH_DAY ?? new Date().toISOString().slice(0, 10);

/** The one of a list whose turn it is today, so that all have it in as many days; all of it where nothing is left out. */
export function ofTheDay<T>(list: readonly T[], shift = 0): readonly T[] {
  if (whole || list.length === 0) return list;
  const days = Date.parse(day) / 86_400_000;
  if (!Number.isInteger(days)) throw new Error(`LOSSMITH_DAY is ${day}, expected a day such as 2026-11-28`);
  return [list[(days + shift) % list.length]!];
}
