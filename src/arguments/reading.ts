// Options that are read item by item, such as labels. The next call reads them again: where they are what they were, everything
// that follows from them is too.

import { isTyped } from '../values/array.ts';

/** Items that are compared with those of the next call; to read more of them anew is no slower. */
const MOST = 4096;

/** Integers as they were read, in arrays that may be nested. */
export class Reading {
  readonly listed = true;
  readonly #from: unknown;
  readonly #items: ArrayLike<number | Reading>;

  constructor(from: unknown, items: ArrayLike<number | Reading>) {
    this.#from = from;
    this.#items = items;
  }

  /** Whether the next call is worth a comparison. */
  get settled(): boolean {
    return this.#size <= MOST;
  }

  get #size(): number {
    return Array.from(this.#items).reduce<number>((sum, item) => sum + (typeof item === 'number' ? 1 : item.#size), 0);
  }

  /** Whether another array, or this one by now, holds the same; a typed one is the same array, which `out` has kept clear of. */
  reread(value: unknown): boolean {
    if (!Array.isArray(value) && !(isTyped(value) && value === this.#from)) return false;
    const [given, items]: ArrayLike<unknown>[] = [value, this.#items];
    if (given.length !== items.length) return false;
    for (let i = 0; i < items.length; i++) {
      const [now, item] = [given[i], items[i]];
      if (item instanceof Reading ? !item.reread(now) : now !== item) return false;
    }
    return true;
  }
}
