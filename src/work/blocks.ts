// Cutting a call into blocks. Arrays are copied in block by block, which bounds the scratch and keeps each block in the cache
// between the copy and the kernel. Blocks are the chunks of the kernels (assembly/classes/walk.ts, assembly/elements/walk.ts),
// whose sums are formed for each by itself, so that it makes no difference to any bit whether a call is cut. A class axis that
// does not fit a block is cut too, and then walked once for each pass. Blocks are walked, not listed.

/** Values of a block, where samples are that small: 128 KiB, half of a small second-level cache. */
const BLOCK = 32768;
/** Samples of a block at least, where a class axis in the middle makes it larger. */
const NARROWEST = 64;
/** Values of a block at most: where the classes of so few samples are more, the class axis is cut. */
const LARGEST = 131072;
/** Classes of a row that is not cut (assembly/classes/rows.ts). */
const LONGEST_ROW = 196608;
/** Classes that kernels take at once (assembly/classes/tiles.ts): a cut axis is cut at multiples of this. */
const PART = 2048;

/** A part of a call: where the walk stands. Offsets and sizes are in values of the input. */
export class Block {
  /** Offset of its first value. */
  start = 0;
  /** Its number of values. */
  size = 0;
  outer = 1;
  middle = 1;
  inner = 1;
  /** Distance between the values of neighbouring steps of outer and of middle in the input. */
  outerStride = 0;
  stride = 0;
  /** Offset and number of its losses. */
  sample = 0;
  samples = 0;
  /** The first class of it, where the class axis is cut. */
  first = 0;
  /** Where it starts along [outer, middle, inner]. */
  o = 0;
  m = 0;
  i = 0;

  /** Whether its values lie together in the input. */
  get contiguous(): boolean {
    return this.stride === this.inner;
  }
}

/** A walk over the blocks of a call. */
export interface Blocks {
  readonly block: Block;
  /** Values and losses of the largest block. */
  readonly values: number;
  readonly samples: number;
  /** Whether there is one block only. */
  readonly single: boolean;
  /** Classes of a part of the axis where it is cut; 0 where it is not. */
  readonly part: number;
  /** Starts anew. */
  start(): void;
  /** Moves to the next block; false at the end. */
  next(): boolean;
}

/** The blocks of a class operation; one where every operand is in linear memory already (`whole`). */
export class ClassBlocks implements Blocks {
  readonly block = new Block();
  readonly values: number;
  readonly samples: number;
  readonly single: boolean;
  readonly part: number;
  readonly #outer: number;
  readonly #classes: number;
  readonly #inner: number;
  /** Size of a block along outer and inner. */
  readonly #height: number;
  readonly #width: number;
  #o = 0;
  #i = 0;

  /** `most`: samples of a block at most, where more is kept of each than its loss. */
  constructor(outer: number, classes: number, inner: number, whole: boolean, most = Number.POSITIVE_INFINITY) {
    this.#outer = outer;
    this.#classes = classes;
    this.#inner = inner;
    const unit = classes * inner;
    const rows = Math.max(1, Math.floor(BLOCK / Math.max(1, unit)));
    const fits = inner === 1 || unit <= BLOCK;
    const width = fits ? inner : Math.min(inner, Math.max(NARROWEST, Math.floor(BLOCK / classes / NARROWEST) * NARROWEST));
    const height = fits ? rows - (inner === 1 && rows >= NARROWEST ? rows % NARROWEST : 0) : 1;
    this.#width = whole ? inner : Math.min(width, most);
    this.#height = whole ? outer : Math.min(outer, height, Math.max(1, Math.floor(most / this.#width)));
    this.single = this.#height >= outer && this.#width >= inner;
    const cut = !whole && (inner === 1 ? classes > LONGEST_ROW : classes * width > LARGEST);
    this.part = cut ? Math.floor(LARGEST / width / PART) * PART : 0;
    this.samples = this.#height * this.#width;
    this.values = this.samples * (cut ? this.part : classes);
    this.start();
  }

  start(): void {
    this.#o = 0;
    this.#i = 0;
  }

  next(): boolean {
    const outer = this.#outer;
    const inner = this.#inner;
    const classes = this.#classes;
    const o = this.#o;
    const i = this.#i;
    if (o >= outer || inner === 0) return false;
    const { block } = this;
    block.outer = Math.min(this.#height, outer - o);
    block.inner = Math.min(this.#width, inner - i);
    block.middle = classes;
    block.stride = inner;
    block.outerStride = classes * inner;
    block.start = o * classes * inner + i;
    block.size = block.outer * classes * block.inner;
    block.sample = o * inner + i;
    block.samples = block.outer * block.inner;
    block.first = 0;
    this.#i = i + block.inner;
    if (this.#i === inner) {
      this.#i = 0;
      this.#o = o + block.outer;
    }
    return true;
  }

  /** Narrows the block at hand to the classes from `first` on; false behind the last. */
  cut(first: number): boolean {
    const { block } = this;
    if (first >= this.#classes) return false;
    block.start += (first - block.first) * this.#inner;
    block.first = first;
    block.middle = Math.min(this.part, this.#classes - first);
    block.size = block.outer * block.middle * block.inner;
    return true;
  }
}

/** The blocks of an elementwise operation over rows of inner elements, the last of which may be shorter. */
export class ElementBlocks implements Blocks {
  readonly block = new Block();
  readonly values: number;
  readonly samples: number;
  readonly single: boolean;
  readonly part = 0;
  readonly #total: number;
  readonly #middle: number;
  readonly #inner: number;
  readonly #most: number;
  #at = 0;

  constructor(middle: number, inner: number, total: number, whole: boolean) {
    this.#middle = middle;
    this.#inner = inner;
    this.#total = total;
    const unit = middle * inner;
    let most = BLOCK;
    if (inner < BLOCK) most = unit > BLOCK ? Math.floor(BLOCK / inner) * inner : Math.floor(BLOCK / Math.max(1, unit)) * unit;
    this.#most = whole ? total : most;
    this.values = this.samples = Math.min(total, this.#most);
    this.single = total <= this.#most;
  }

  start(): void {
    this.#at = 0;
  }

  next(): boolean {
    const at = this.#at;
    const left = this.#total - at;
    if (left <= 0) return false;
    const inner = this.#inner;
    const middle = this.#middle;
    const { block } = this;
    const row = Math.floor(at / inner);
    block.o = Math.floor(row / middle);
    block.m = row - block.o * middle;
    block.i = at - row * inner;
    let size = Math.min(this.#most, left);
    if (!this.single) {
      // a stretch of one row, or rows of one step of outer, or whole steps
      if (block.i > 0 || inner > size) size = Math.min(size, inner - block.i);
      else if (block.m > 0 || middle * inner > size) size = Math.min(size, (middle - block.m) * inner);
    }
    block.start = block.sample = at;
    block.size = block.samples = size;
    const stretch = !this.single && inner >= BLOCK;
    block.inner = stretch ? size : inner;
    block.middle = stretch ? 1 : Math.min(middle - block.m, Math.ceil(size / inner));
    block.outer = stretch ? 1 : Math.ceil(size / (block.middle * inner));
    block.stride = block.inner;
    this.#at = at + size;
    return true;
  }
}
