// Components of samples whose logits span less than SPAN: one exponential of each logit serves all components. Tiles are
// walked two columns a turn: a turn costs V8 as much as several vector instructions.

import { expTile, TILE_RUN } from '../../classes/columns';
import { tileRow } from '../../classes/pack';
import { IDLE, LOSS, MAX, REST, SCALE } from '../../classes/samples';
import { tileOf, tilesApart } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import {
  add, and, anyOf, clear, div, everyBit, loadSplat, loadV, lt, mul, ne, neg, or, pmin, sameInt, select_, splat,
  storeV, sub, VECTOR, xor,
} from '../../lane/lane';
import { growHigh, growLow } from '../../lane/wide';
import { log1p } from '../../math/log';
import { Plan } from '../../plan';
import { growProducts } from '../../sums';
import {
  closeLarge, finishLosses, GROUP, HALF, lumps, mapOf, openGroups, productsOf, RATIO, REMOTE, setArray, unitOf,
  weighsAny, weightOf, WIDE,
} from './parts';
import { closeWide, spreadWide, sumWide, topsWide } from './wide';

/** e^−80 keeps 7 decades above the smallest normal float32. */
const SPAN: f32 = 80;
/** Differences below this are rounded by at most 4.8e-7. */
const FAR: f32 = 16;

/** Marks on the samples whose logits do not span less than SPAN or FAR. */
export function measure(p: Plan, t: Walk): void {
  const tile = tileOf(p, 0), row = tileRow(), size = VECTOR, height = <usize>t.count * row;
  const maxima = laneArray(p, MAX), marks = laneArray(p, WIDE), remote = laneArray(p, REMOTE);
  const wide = splat(SPAN), far = splat(FAR), all = everyBit();
  let any = splat(0), anyWide = any;
  for (let at: usize = 0; at < <usize>t.n << 2; at += 2 * size) {
    const end = tile + at + height;
    let low0 = loadV(tile + at), low1 = loadV(tile + at + size);
    for (let place = tile + at + row; place < end; place += row) {
      low0 = pmin(low0, loadV(place));
      low1 = pmin(low1, loadV(place + size));
    }
    // not less than anything where the span is infinite; a NaN that was passed over comes back with the exponentials
    const span0 = sub(loadV(maxima + at), low0), span1 = sub(loadV(maxima + at + size), low1);
    const wide0 = clear(all, lt(span0, wide)), wide1 = clear(all, lt(span1, wide));
    storeV(marks + at, wide0);
    storeV(marks + at + size, wide1);
    const far0 = clear(all, lt(span0, far)), far1 = clear(all, lt(span1, far));
    storeV(remote + at, far0);
    storeV(remote + at + size, far1);
    const both = <usize>t.n << 2 > at + size; // else the second column holds nothing
    any = or(any, both ? or(far0, far1) : far0);
    anyWide = or(anyWide, both ? or(wide0, wide1) : wide0);
  }
  t.far = anyOf(any);
  t.farther = anyOf(anyWide);
}

/** Losses and gradients of a tile. */
export function near(p: Plan, t: Walk): void {
  const tile = tileOf(p, 0), grads = tileOf(p, 1), exact = tileOf(p, 3), lumped = lumps(p);
  // within a group far below the maximum the error of x − m shows, so it is taken back wherever it may exceed 5e-7
  const marks = t.far ? laneArray(p, REMOTE) : 0;
  expTile(t, tile, grads, laneArray(p, MAX), laneArray(p, REST), marks);
  if (!lumped) memory.fill(laneArray(p, LOSS), 0, tileRow());
  if (t.farther && p.grad != 0) memory.fill(exact, 0, <usize>t.count * tileRow());
  for (let k = 0; k < p.members; k++) {
    openGroups(p, t, k, 0);
    ratios(p, t, grads, k, lumped && !t.far);
    if (t.farther) {
      topsWide(p, t, k, 0);
      sumWide(p, t, k, 0);
      closeWide(p, t, 0);
      if (p.grad != 0 && weightOf(p, k) != 0) spreadWide(p, t, k, 0, exact);
    }
    if (p.grad) factors(p, t, grads, k);
    if (lumped) lump(p, t, k);
    else {
      halves(p, t);
      finishLosses(p, t, k, 0, false);
    }
  }
  finishLosses(p, t, -1, 0, false);
  if (!p.grad) return;
  const weighs = weighsAny(p);
  if (!weighs) memory.fill(grads, 0, <usize>t.count * tileRow()); // nothing adds nothing, NaN or not
  scales(p, t, weighs);
  if (t.farther) mergeWide(p, t, grads, exact);
}

/** One logarithm for the losses of many samples; those of wide ones are added as they are. */
function lump(p: Plan, t: Walk, k: i32): void {
  if (t.farther) finishLosses(p, t, k, 0, true);
  const products = productsOf(p, k);
  if (!t.far) {
    closeLarge(p, k, products);
    return;
  }
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    growProducts(products, loadV(setArray(p, 0, RATIO) + at));
    closeLarge(p, k, products);
  }
}

/** Halves of the losses of samples near, beside those of wide ones. */
export function halves(p: Plan, t: Walk): void {
  const half = splat(0.5);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const place = setArray(p, 0, HALF) + at;
    const close = mul(half, log1p(loadV(setArray(p, 0, RATIO) + at)));
    storeV(place, t.farther ? select_(loadV(place), close, loadV(laneArray(p, WIDE) + at)) : close);
  }
}

/** Whether a class is in the group: that of its component, at c; or a value in the tile of targets, at y, says so. */
// @ts-ignore: decorator
@inline function insideOf(sets: bool, group: v128, c: usize, y: usize): v128 {
  return sets ? ne(loadV(y), splat(0)) : sameInt(group, loadSplat(c));
}

/** σ_O/σ_I of a component for each sample, 0 for one that is idle or wide; `grow` lets its products grow by them. */
function ratios(p: Plan, t: Walk, grads: usize, k: i32, grow: bool): void {
  ratiosOf(p, t, grads, k, grow, false);
}

/** The same for sets of classes. */
export function setRatios(p: Plan, t: Walk, grads: usize): void {
  ratiosOf(p, t, grads, 0, false, true);
}

// @ts-ignore: decorator
@inline function ratiosOf(p: Plan, t: Walk, grads: usize, k: i32, grow: bool, sets: bool): void {
  const row = tileRow(), size = VECTOR, map = mapOf(p, k), height = <usize>t.count * row;
  const groups = setArray(p, 0, GROUP), to = setArray(p, 0, RATIO);
  const idle = laneArray(p, IDLE), wide = laneArray(p, WIDE);
  const toY = tilesApart(p, 1); // from e to the value of the target
  const zero = splat(0), products = productsOf(p, k), last = (<usize>t.n << 2) - size;
  let low = loadV(products), high = loadV(products + 16);
  for (let at: usize = 0; at < <usize>t.n << 2; at += 2 * size) {
    const group0 = loadV(groups + at), group1 = loadV(groups + at + size);
    const end = grads + at + height;
    let inside0 = zero, outside0 = zero, inside1 = zero, outside1 = zero;
    for (let place = grads + at, c = map; place < end; ) {
      const stop = min(place + <usize>TILE_RUN * row, end);
      let near0 = zero, rest0 = zero, near1 = zero, rest1 = zero;
      for (; place < stop; place += row, c += 4) {
        const e0 = loadV(place), e1 = loadV(place + size);
        const mask0 = insideOf(sets, group0, c, place + toY), mask1 = insideOf(sets, group1, c, place + toY + size);
        rest0 = add(rest0, clear(e0, mask0));
        near0 = add(near0, and(e0, mask0));
        rest1 = add(rest1, clear(e1, mask1));
        near1 = add(near1, and(e1, mask1));
      }
      outside0 = add(outside0, rest0);
      inside0 = add(inside0, near0);
      outside1 = add(outside1, rest1);
      inside1 = add(inside1, near1);
    }
    const none0 = or(loadV(idle + at), loadV(wide + at));
    const none1 = or(loadV(idle + at + size), loadV(wide + at + size));
    const ratio0 = clear(div(outside0, inside0), none0), ratio1 = clear(div(outside1, inside1), none1);
    storeV(to + at, ratio0);
    storeV(to + at + size, ratio1);
    if (!grow) continue;
    low = growLow(low, ratio0);
    high = growHigh(high, ratio0);
    if (<isize>at >= <isize>last) continue;
    low = growLow(low, ratio1);
    high = growHigh(high, ratio1);
  }
  if (!grow) return;
  storeV(products, low);
  storeV(products + 16, high);
}

/** What multiplies e in the gradient: the sum over the components of w outside and −w·ratio inside. The last one does it. */
function factors(p: Plan, t: Walk, grads: usize, k: i32): void {
  factorsOf(p, t, grads, k, false);
}

/** The same for sets of classes. */
export function setFactors(p: Plan, t: Walk, grads: usize): void {
  factorsOf(p, t, grads, 0, true);
}

// @ts-ignore: decorator
@inline function factorsOf(p: Plan, t: Walk, grads: usize, k: i32, sets: bool): void {
  const row = tileRow(), size = VECTOR, map = mapOf(p, k), height = <usize>t.count * row;
  const groups = setArray(p, 0, GROUP), ratios = setArray(p, 0, RATIO);
  const sums = tileOf(p, 2) - grads; // from a gradient to its factor
  const w = splat(sets ? 1 : weightOf(p, k) / unitOf(p)), toY = tilesApart(p, 1);
  const last = sets || k == p.members - 1;
  for (let at: usize = 0; at < <usize>t.n << 2; at += 2 * size) {
    const group0 = loadV(groups + at), group1 = loadV(groups + at + size);
    const flip0 = xor(w, neg(mul(w, loadV(ratios + at)))); // turns one factor into the other
    const flip1 = xor(w, neg(mul(w, loadV(ratios + at + size))));
    const end = grads + at + height;
    for (let place = grads + at, c = map; place < end; place += row, c += 4) {
      let factor0 = xor(w, and(flip0, insideOf(sets, group0, c, place + toY)));
      let factor1 = xor(w, and(flip1, insideOf(sets, group1, c, place + toY + size)));
      if (k > 0) {
        factor0 = add(factor0, loadV(place + sums));
        factor1 = add(factor1, loadV(place + sums + size));
      }
      if (last) {
        storeV(place, mul(loadV(place), factor0));
        storeV(place + size, mul(loadV(place + size), factor1));
      } else {
        storeV(place + sums, factor0);
        storeV(place + sums + size, factor1);
      }
    }
  }
}

/** What multiplies the gradients on their way out: for e the mass of the sample over Σe, which may be NaN where nothing weighs. */
export function scales(p: Plan, t: Walk, weighs: bool): void {
  const one = splat(1), unit = splat(unitOf(p));
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const mass = clear(loadV(t.mass + at), loadV(laneArray(p, IDLE) + at));
    const scale = div(mul(mass, unit), add(loadV(laneArray(p, REST) + at), one));
    const wide = loadV(laneArray(p, WIDE) + at);
    storeV(laneArray(p, SCALE) + at, !weighs ? mass : t.farther ? select_(mass, scale, wide) : scale);
  }
}

/** Puts the gradients of wide samples beside the others. */
export function mergeWide(p: Plan, t: Walk, grads: usize, exact: usize): void {
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const wide = loadV(laneArray(p, WIDE) + at);
    if (!anyOf(wide)) continue;
    let place = grads + at;
    for (let c = 0; c < t.count; c++, place += tileRow()) {
      storeV(place, select_(loadV(place + (exact - grads)), loadV(place), wide));
    }
  }
}
