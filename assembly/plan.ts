// The kernel ABI. Every kernel takes the address of one Plan, reads what it needs, and writes its results back into it,
// so that all operations share one signature and a prepared step is one call with one argument. The build reads the fields
// below and hands their offsets to the TypeScript side; nothing else knows the layout. No field belongs to one loss: what a
// loss needs of its own are the numbered parameters p0 … p7 and the operands a … d, to which its record in src/losses maps
// its options.
//
// Addresses are bytes in linear memory, 0 where an operand is absent. Strides count elements. The geometry is [outer, middle,
// inner]: class operations have their classes in the middle, elementwise ones rows. A kernel that is called with scratch 0
// computes nothing and returns the bytes of scratch that this Plan needs.

@unmanaged
export class Plan {
  // parameters
  upstream: f64; // multiplies every gradient: incoming gradient · scale ÷ denominator
  sideUpstream: f64; // the same for a term that has a denominator of its own
  p0: f64; // the loss's own parameters
  p1: f64;
  p2: f64;
  p3: f64;
  p4: f64;
  p5: f64;
  marker: f64; // the target value that marks a missing one (IGNORE)
  low: f64; // targets lie in [low, high] (BOUNDED)
  high: f64;
  // results, which are added to
  sum: f64; // numerator of the loss
  sideSum: f64; // numerator of the term with a denominator of its own
  count: f64; // elements or samples not ignored
  weightSum: f64; // denominator of the mean
  // operands
  input: usize; // float32
  inputOuter: i32; // from one step of outer to the next
  inputStep: i32; // from one class to the next
  indices: usize; // int32, one per sample: class indices, or ignoreIndex where a sample does not count (INDICES)
  target: usize; // float32 shaped like the input
  targetOuter: i32;
  targetStep: i32;
  grad: usize; // float32: the gradient, or an activation's result; 0: loss only
  gradOuter: i32;
  gradStep: i32;
  loss: usize; // float32: one loss per sample or element; 0: none is kept
  incoming: usize; // float32: one incoming gradient per sample or element; 0 where it is a number (in upstream)
  a: usize; // the loss's own operands and, elementwise, their strides along [outer, middle, inner]
  a0: i32;
  a1: i32;
  a2: i32;
  b: usize;
  b0: i32;
  b1: i32;
  b2: i32;
  c: usize;
  c0: i32;
  c1: i32;
  c2: i32;
  d: usize;
  sideGrad: usize; // float32: the gradient of operand c, of the same strides, or of d
  parts: usize; // float32 [members][partStep]: one loss per member and sample; 0: none is kept
  partStep: i32;
  partSums: usize; // float64 [members], added to
  members: i32; // parts that a loss is made of, or samples that share one
  scratch: usize;
  // geometry
  outer: i32;
  middle: i32;
  inner: i32;
  total: i32; // class operations: classes of the whole axis; elementwise ones: elements, the last row may be shorter
  first: i32; // class operations: the class that middle starts with
  begin: i32; // the first sample or element to take, where a chunk begins: threads share what a plan describes
  end: i32; // and the one behind the last, where a chunk ends; 0: all are taken
  phase: u32; // class operations: which passes to make
  ignoreIndex: i32;
  flags: u32;
  bad: i32; // position of a target out of range, −1 where all are right
}

/** There are indices. */
export const INDICES: u32 = 1;
/** Some target value marks a missing one. */
export const IGNORE: u32 = 2;
/** The logarithmic variant of an activation. */
export const LOG: u32 = 4;
/** Operand a weighs elements and is added up in the denominator of the mean. */
export const WEIGHS: u32 = 8;
/** Targets have to lie in [low, high]. */
export const BOUNDED: u32 = 16;
/** Targets have to be whole numbers. */
export const WHOLE: u32 = 32;
/** Targets must not be 0. */
export const NONZERO: u32 = 64;
/** The input has to lie in [low, high] too. */
export const BOTH: u32 = 128;
/** Samples go by tiles: the class axis is not the last one (also where a block has only one sample along inner), or no other walk is known. */
export const COLUMNS: u32 = 256;
/** The class axis is brought in blocks, of which middle is one, and the kernel called for each pass and block. */
export const CUT: u32 = 512;
/** Of losses over groups of samples: the sums are made, and the gradients to follow. */
export const SETTLED: u32 = 1024;

// The passes of a class operation over the class axis, for an axis that is brought in blocks (classes/walk.ts).
export const MEASURE: u32 = 1;
export const ACCUMULATE: u32 = 2;
export const SECOND: u32 = 4;
export const FINISH: u32 = 8;
export const GRADIENT: u32 = 16;
export const EVERY_PHASE: u32 = 31;
