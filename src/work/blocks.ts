// Cutting a call into blocks. Arrays are copied in block by block, which bounds the scratch and keeps each block in the cache
// between the copy and the kernel. Blocks are the chunks of the kernels (assembly/classes/walk.ts, assembly/elements/walk.ts),
// whose sums are formed for each by itself, so that it makes no difference to any bit whether a call is cut. A class axis that
// does not fit a block is cut too, and then walked once for each pass. Blocks are walked, not listed.

/** Values of a block, where samples are that small: 128 KiB, half of a small second-level cache. */
export const BLOCK = 32768;
/** Samples of a block at least, where a class axis in the middle makes it larger. */
const NARROWEST = 64;
/** Values of a block at most: where the classes of so few samples are more, the class axis is cut. */
const LARGEST = 131072;
/** Classes of a row that is not cut (assembly/classes/rows.ts). */
const LONGEST_ROW = 196608;
/** Rows of more classes than this are walked one by one by kernels that know how (assembly/classes/walk.ts). */
const ROW_CLASSES = 160;
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
  /** Offset and number of its samples or elements. */
  sample = 0;
  samples = 0;
  /** Offset and number of its losses. */
  loss = 0;
  losses = 0;
  /** The first class of it, where the class axis is cut. */
  first = 0;
  /** Where it starts along [outer, middle, inner]. */
  o = 0;
  m = 0;
  i = 0;

  /** Whether its values lie together in the input. */
  get contiguous(): boolean {
    return this.stride === this.inner && (this.outer === 1 || this.outerStride === this.middle * this.inner);
  }
}

/** A walk over the blocks of a call. */
export interface Blocks {
  readonly block: Block;
  /** Values, samples and losses of the largest block. */
  readonly values: number;
  readonly samples: number;
  readonly losses: number;
  /** Whether there is one block only. */
  readonly single: boolean;
  /** Classes of a part of the axis where it is cut; 0 where it is not. */
  readonly part: number;
  /** Starts anew. */
  start(): void;
  /** Moves to the next block; false at the end. */
  next(): boolean;
}

/** What changes how class operations are cut. */
export interface Cutting {
  /** Every operand is in linear memory already: one block. */
  readonly whole: boolean;
  /** The kernel walks long rows one by one. */
  readonly rows?: boolean | undefined;
  /** Samples of a block at most, where more is kept of each than its loss. */
  readonly most?: number | undefined;
  /** Distance between neighbouring classes, where that is more than inner. */
  readonly stride?: number | undefined;
  /** Steps of outer of a block, where that is decided elsewhere. */
  readonly high?: number | undefined;
  /** How many times as large a block may be, as long as it ends where one of the usual size does. */
  readonly times?: number | undefined;
}

/** The blocks of a class operation. */
export class ClassBlocks implements Blocks {
  readonly block = new Block();
  readonly values: number;
  readonly samples: number;
  readonly losses: number;
  readonly single: boolean;
  readonly part: number;
  readonly #classes: number;
  readonly #stride: number;
  /** Size of a block along outer and inner. */
  readonly #height: number;
  readonly #width: number;
  /** What is walked: from where on, and how far. */
  #outer: number;
  #inner: number;
  #fromOuter = 0;
  #fromInner = 0;
  #o = 0;
  #i = 0;

  constructor(outer: number, classes: number, inner: number, cutting: Cutting) {
    const { rows, most = 1 / 0, stride = inner, high: given, times = 1 } = cutting;
    const whole = cutting.whole || given !== undefined;
    this.#outer = outer;
    this.#classes = classes;
    this.#inner = inner;
    this.#stride = stride;
    const unit = Math.max(1, classes) * inner;
    const tall = inner === 1 && !(rows && classes > ROW_CLASSES) ? NARROWEST : 1;
    const high = Math.max(tall, Math.floor(BLOCK / Math.max(1, unit)));
    const fits = inner === 1 || unit <= BLOCK;
    const width = fits
      ? inner
      : Math.min(inner, Math.max(NARROWEST, Math.floor(BLOCK / Math.max(1, classes) / NARROWEST) * NARROWEST));
    const height = fits ? high - (inner === 1 && high >= NARROWEST ? high % NARROWEST : 0) : 1;
    this.#width = whole ? inner : Math.min(width, most);
    const limit = given ?? Math.min(height, Math.max(1, Math.floor(most / this.#width)));
    this.#height = cutting.whole ? outer : Math.min(outer, limit);
    const size = this.#height * this.#width;
    const cut = !whole && (tall === 1 && inner === 1 ? classes > LONGEST_ROW : classes * size > LARGEST);
    this.part = cut ? Math.floor(LARGEST / size / PART) * PART : 0;
    if (!cut && !whole && most === 1 / 0) {
      this.#width = Math.min(inner, width * times);
      this.#height = Math.min(outer, height * Math.max(1, Math.floor((width * times) / Math.max(1, inner))));
    }
    this.single = this.#height >= outer && this.#width >= inner;
    this.samples = this.losses = this.#height * this.#width;
    this.values = this.samples * (cut ? this.part : classes);
  }

  /** Narrows the walk to a part of outer and inner. */
  range(fromOuter: number, outer: number, fromInner: number, inner: number): void {
    this.#fromOuter = fromOuter;
    this.#outer = outer;
    this.#fromInner = fromInner;
    this.#inner = inner;
  }

  start(): void {
    this.#o = 0;
    this.#i = 0;
  }

  next(): boolean {
    const { block } = this;
    const inner = this.#inner;
    const i = this.#i;
    if (this.#o >= this.#outer || inner === 0) return false;
    const stride = this.#stride;
    const classes = this.#classes;
    const o = this.#fromOuter + this.#o;
    block.outer = Math.min(this.#height, this.#outer - this.#o);
    block.inner = Math.min(this.#width, inner - i);
    block.middle = classes;
    block.stride = stride;
    block.outerStride = classes * stride;
    block.start = o * classes * stride + this.#fromInner + i;
    block.size = block.outer * classes * block.inner;
    block.sample = block.loss = o * stride + this.#fromInner + i;
    block.samples = block.losses = block.outer * block.inner;
    block.first = 0;
    this.#i = i + block.inner;
    if (this.#i === inner) {
      this.#i = 0;
      this.#o += block.outer;
    }
    return true;
  }

  /** Narrows the block at hand to the classes from `first` on; false behind the last. */
  cut(first: number): boolean {
    const { block } = this;
    if (first >= this.#classes) return false;
    block.start += (first - block.first) * this.#stride;
    block.first = first;
    block.middle = Math.min(this.part, this.#classes - first);
    block.size = block.outer * block.middle * block.inner;
    return true;
  }
}

/** The blocks of a loss over groups of samples: some groups at a time, or where one does not fit a block, parts of it. */
export class GroupBlocks {
  /** The blocks of the groups at hand. */
  readonly blocks: ClassBlocks;
  readonly losses: number;
  /** Whether a group comes in several blocks. */
  readonly split: boolean;
  readonly #classes: number;
  readonly #inner: number;
  readonly #group: number;
  readonly #count: number;
  readonly #groups: number;
  #from = 0;
  #at = 0;

  constructor(outer: number, classes: number, inner: number, group: number, whole: boolean) {
    this.#classes = classes;
    this.#inner = inner;
    this.#group = group;
    this.#groups = group === 0 ? 0 : (outer * inner) / group;
    const each = group * classes;
    this.split = !whole && each > BLOCK;
    this.#count = whole || each === 0 ? this.#groups : Math.max(1, Math.floor(BLOCK / each));
    const size = this.#count * group;
    const across = group < inner;
    this.blocks = new ClassBlocks(across ? 1 : size / Math.max(1, inner), classes, across ? size : inner, {
      whole: !this.split,
      stride: inner,
    });
    this.losses = this.#count * classes;
  }

  start(): void {
    this.#at = 0;
  }

  /** Moves to the next groups; false behind the last. Restarts their blocks. */
  next(): boolean {
    const at = this.#at;
    const count = Math.min(this.#count, this.#groups - at);
    if (count <= 0) return false;
    const sample = at * this.#group;
    const size = count * this.#group;
    const inner = this.#inner;
    const o = Math.floor(sample / inner);
    if (this.#group < inner) this.blocks.range(o, 1, sample - o * inner, size);
    else this.blocks.range(o, size / inner, 0, inner);
    this.blocks.start();
    this.#from = at;
    this.#at = at + count;
    return true;
  }

  /** Says of the block at hand which losses its groups have. */
  aim(block: Block): void {
    block.loss = this.#from * this.#classes;
    block.losses = (this.#at - this.#from) * this.#classes;
  }
}

/** The blocks of an elementwise operation over rows of inner elements, the last of which may be shorter. */
export class ElementBlocks implements Blocks {
  readonly block = new Block();
  readonly values: number;
  readonly samples: number;
  readonly losses: number;
  readonly single: boolean;
  readonly part = 0;
  readonly #total: number;
  readonly #middle: number;
  readonly #inner: number;
  readonly #most: number;
  /** Whether a row does not fit a block. */
  readonly #long: boolean;
  #at = 0;

  /** `block`: elements of a block at most; `times`: how many times as large it may be, as long as it ends where such a one does. */
  constructor(middle: number, inner: number, total: number, whole: boolean, block = BLOCK, times = 1) {
    this.#middle = middle;
    this.#inner = inner;
    this.#total = total;
    const unit = middle * inner;
    const wide = block * times;
    let most = wide;
    if (inner < wide) {
      const rows = inner < block ? Math.floor(block / Math.max(1, inner)) * times : Math.floor(wide / inner);
      if (unit > block) most = rows * inner < unit ? rows * inner : Math.floor((rows * inner) / unit) * unit;
      else most = Math.floor(block / Math.max(1, unit)) * unit * times;
    }
    this.#most = whole ? total : most;
    this.#long = inner >= wide;
    this.values = this.samples = this.losses = Math.min(total, this.#most);
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
    block.start = block.sample = block.loss = at;
    block.size = block.samples = block.losses = size;
    const stretch = !this.single && this.#long;
    block.inner = stretch ? size : inner;
    block.middle = stretch ? 1 : Math.min(middle - block.m, Math.ceil(size / inner));
    block.outer = stretch ? 1 : Math.ceil(size / (block.middle * inner));
    block.stride = block.inner;
    block.outerStride = block.middle * block.inner;
    this.#at = at + size;
    return true;
  }
}
