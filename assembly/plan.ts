// The kernel ABI. Every kernel takes the address of one Plan, reads what it needs, and writes its results back into it,
// so that all losses share one signature and a prepared step is one call with one argument. The build reads the field
// list of this file and hands the byte offsets to the TypeScript side; nothing else knows the layout.
//
// Addresses are bytes in linear memory, 0 where an operand is absent. Strides count elements.

@unmanaged
export class Plan {
  // float64 parameters
  upstream: f64; // multiplies every gradient: incoming gradient · scale ÷ denominator
  zUpstream: f64; // the same for the zLoss term, which has a denominator of its own
  smoothing: f64; // labelSmoothing
  zLoss: f64;
  ignoreValue: f64; // bce: the target value that marks a missing label
  weightTotal: f64; // class losses: sum of the class weights, or the number of classes
  // float64 results
  sum: f64; // numerator of the loss
  zSum: f64; // numerator of the zLoss term
  weightSum: f64; // denominator of a weighted mean
  count: f64; // elements or samples not ignored
  product: f64; // Π(1 + q) − 1 over the samples whose logarithm is still to be taken (reduce.ts)
  // operands
  input: usize;
  target: usize;
  grad: usize; // 0: forward only
  loss: usize; // one loss per sample or element; 0 unless reduction is none
  gradOutput: usize; // one incoming gradient per sample or element; 0 where it is a number (in upstream)
  weight: usize; // class weights [classes], or element weights
  posWeight: usize;
  sampleWeight: usize; // one per sample
  groups: usize; // componentCrossEntropy: int32 [components][classes]
  componentWeights: usize; // float32 [components]
  componentSums: usize; // float64 [components], added to
  componentLosses: usize; // float32 [components][componentStride]; 0 unless reduction is none
  scratch: usize;
  // geometry: [outer, classes, inner] for class losses, [outer, rows = classes, inner] for elementwise ones
  outer: i32;
  classes: i32;
  inner: i32;
  inputStride: i32; // from one class to the next
  targetStride: i32; // the same for probability targets, or gradOutput of softmax
  gradStride: i32;
  // elementwise broadcasting: steps of weight and posWeight along outer, rows and inner
  weightOuter: i32;
  weightRow: i32;
  weightColumn: i32;
  posWeightOuter: i32;
  posWeightRow: i32;
  posWeightColumn: i32;
  ignoreIndex: i32;
  components: i32;
  componentStride: i32;
  flags: u32;
  bad: i32; // position of the first target out of range, −1 where all are right
}

/** Targets are class probabilities (class losses). */
export const PROBABILITIES: u32 = 1;
/** Some target value marks a missing label (bce). */
export const IGNORE: u32 = 2;
/** Logarithmic variant: logSoftmax, logSigmoid. */
export const LOG: u32 = 4;
/** Targets are class indices (class losses). */
export const INDICES: u32 = 8;
