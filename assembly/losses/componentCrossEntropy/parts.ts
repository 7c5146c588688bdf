// What belongs to one component: its weight, the groups of the targets, its sums, and arrays of one value per sample.

import { tileRow } from '../../classes/pack';
import { FREE, IDLE, LOSS } from '../../classes/samples';
import { ownOf, SPARE, TILE_CLASSES } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import { add, and, clear, loadV, madd, mul, splat, storeV, VECTOR } from '../../lane/lane';
import { gather } from '../../lane/place';
import { addW, high, low, mulW, sumOf, zeroW } from '../../lane/wide';
import { CUT, Plan } from '../../plan';
import { addLosses, closeProducts, copyFloats, largeProducts, openProducts } from '../../sums';

// arrays of one value per sample
export const CLASS: usize = FREE; // the target in bytes
export const WIDE: usize = FREE + 1; // mask of the samples whose logits do not span less than SPAN
export const REMOTE: usize = FREE + 2; // mask of those that span FAR or more

// arrays of one value per sample that a component has while it is computed
export const GROUP: usize = 0; // int32, of the target
export const TOP_IN: usize = 1; // the largest logit of the group
export const TOP_OUT: usize = 2; // and of the other classes
export const SUM_IN: usize = 3; // Σ e^(x − the largest), float64, so two arrays
export const SUM_OUT: usize = 5;
export const COUNT: usize = 7; // classes of the group
export const HALF: usize = 8; // half of the loss (halves do not overflow)
export const BY_IN: usize = 9; // what multiplies the exponentials in the gradient
export const BY_OUT: usize = 10;
export const EVEN: usize = 11; // mask of the samples whose group is masked as a whole: it shares evenly, its limit
export const RATIO: usize = 12; // of samples near: σ_O/σ_I
const ARRAYS: usize = 13;

/** Bytes of a component's sums: products of its lanes (sums.ts) and the sum of this chunk. */
const SUM_BYTES: usize = 48;

/** Scratch of all components. Where the classes do not fit a tile, each has arrays of its own. */
export function ownBytes(p: Plan): usize {
  const sets = p.total > TILE_CLASSES || (p.flags & CUT) != 0 ? max(1, p.members) : 1;
  return SUM_BYTES * <usize>p.members + ARRAYS * tileRow() * <usize>sets;
}

/** Products of the components' lanes. */
// @ts-ignore: decorator
@inline export function productsOf(p: Plan, k: i32): usize {
  return ownOf(p, SPARE) + SUM_BYTES * <usize>k;
}

/** An array of one value per sample, of the set at `set`. */
// @ts-ignore: decorator
@inline export function setArray(p: Plan, set: i32, which: usize): usize {
  return ownOf(p, SPARE) + SUM_BYTES * <usize>p.members + (ARRAYS * <usize>set + which) * tileRow();
}

// @ts-ignore: decorator
@inline export function weightOf(p: Plan, k: i32): f32 {
  return load<f32>(p.d + (<usize>k << 2));
}

/**
 * A power of two by which weights are divided where they multiply ratios, and with which the gradients are multiplied on their
 * way out: so that no product overflows whose gradient is finite. 1 where no weight is 2 or more.
 */
export function unitOf(p: Plan): f32 {
  let most: f32 = 1;
  for (let k = 0; k < p.members; k++) most = max(most, abs(weightOf(p, k)));
  return reinterpret<f32>(reinterpret<u32>(most) & 0x7f800000);
}

/** Whether any component weighs anything. */
export function weighsAny(p: Plan): bool {
  for (let k = 0; k < p.members; k++) if (weightOf(p, k) != 0) return true;
  return false;
}

/** The group of each class. */
// @ts-ignore: decorator
@inline export function mapOf(p: Plan, k: i32): usize {
  return p.c + (<usize>k * <usize>p.total << 2);
}

/** Whether nobody asks for a sample's own loss: one logarithm serves many samples. */
// @ts-ignore: decorator
@inline export function lumps(p: Plan): bool {
  return !(p.loss | p.b);
}

/** The groups of the targets. */
export function openGroups(p: Plan, t: Walk, k: i32, set: i32): void {
  const groups = setArray(p, set, GROUP), map = mapOf(p, k);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    storeV(groups + at, gather(map, laneArray(p, CLASS) + at));
  }
}

/** Sums before the first sample. */
export function openSums(p: Plan): void {
  for (let k = 0; k < p.members; k++) {
    openProducts(productsOf(p, k));
    store<f64>(productsOf(p, k) + 32, 0);
  }
}

/** Adds to the sum of a component in this chunk. */
export function addPart(p: Plan, k: i32, part: f64): void {
  const place = productsOf(p, k) + 32;
  store<f64>(place, load<f64>(place) + part);
}

// A ratio is below 2^40 in a tile without far samples and below 2^140 otherwise, so that neither sixteen vectors of the one
// nor one of the other make large products overflow.
export function closeLarge(p: Plan, k: i32, products: usize): void {
  if (largeProducts(products)) addPart(p, k, closeProducts(products));
}

/** Adds the sums of the chunk to those of the components, and where losses were lumped to the loss. */
export function closeChunk(p: Plan): void {
  for (let k = 0; k < p.members; k++) {
    const place = productsOf(p, k);
    const part = load<f64>(place + 32) + closeProducts(place);
    store<f64>(place + 32, 0);
    const total = p.partSums + (<usize>k << 3);
    store<f64>(total, load<f64>(total) + part);
    const w: f64 = weightOf(p, k);
    if (lumps(p) && w != 0) p.sum += w * part;
  }
}

/**
 * The losses of a component whose halves are known: added up, stored where they are kept, and added to the losses of the
 * samples. `masked`: of the samples that are wide alone. k = −1 closes the losses of the samples.
 */
export function finishLosses(p: Plan, t: Walk, k: i32, set: i32, masked: bool): void {
  const losses = laneArray(p, LOSS);
  if (k < 0) {
    if (!lumps(p)) addLosses(p, losses, t.sample, t.n);
    return;
  }
  const halves = setArray(p, set, HALF);
  const w = weightOf(p, k), by = splat(2 * w);
  let part = zeroW(); // of which the mean or the weighted loss may be finite where one is no float32
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const own = loadV(t.own + at);
    let half = clear(loadV(halves + at), loadV(laneArray(p, IDLE) + at));
    if (masked) half = and(half, loadV(laneArray(p, WIDE) + at));
    part = addW(part, addW(mulW(low(own), low(half)), mulW(high(own), high(half))));
    storeV(halves + at, mul(own, half));
    if (w != 0) storeV(losses + at, madd(mul(by, own), half, loadV(losses + at)));
  }
  addPart(p, k, 2 * sumOf(part));
  if (!p.parts) return;
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    storeV(halves + at, add(loadV(halves + at), loadV(halves + at)));
  }
  copyFloats(halves, p.parts + (<usize>(k * p.partStep + t.sample) << 2), t.n);
}
