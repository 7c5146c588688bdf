// Components of samples whose logits span less than SPAN: one exponential of each logit serves all components. Tiles are
// walked two columns a turn: a turn costs V8 as much as several vector instructions.

import { expTile, TILE_RUN } from '../../classes/columns';
import { tileRow } from '../../classes/pack';
import { IDLE, LOSS, MAX, REST, SCALE } from '../../classes/samples';
import { tileOf } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import {
  add, and, anyOf, clear, div, eq, everyBit, loadSplat, loadV, lt, mul, neg, or, pmax, pmin, sameInt, select_, splat, storeV,
  sub, xor,
} from '../../lane/lane';
import { growHigh, growLow, loadW, storeW } from '../../lane/wide';
import { log1p } from '../../math/log';
import { Plan } from '../../plan';
import { growProducts, largeProducts, closeProducts } from '../../sums';
import {
  addPart, finishLosses, GROUP, HALF, lumps, mapOf, openGroups, productsOf, RATIO, REMOTE, setArray, weighsAny, weightOf, WIDE,
} from './parts';
import { closeWide, spreadWide, sumWide, topsWide } from './wide';

/** e^−80 keeps 7 decades above the smallest normal float32. */
const SPAN: f32 = 80;
/** Differences below this are rounded by at most 4.8e-7. */
const FAR: f32 = 16;

/** Maxima, and marks on the samples whose logits do not span less than SPAN or FAR. */
export function measure<V>(p: Plan, t: Walk): void {
  const tile = tileOf<V>(p, 0), row = tileRow<V>(), size = sizeof<V>(), height = <usize>t.count * row;
  const maxima = laneArray<V>(p, MAX), marks = laneArray<V>(p, WIDE), remote = laneArray<V>(p, REMOTE);
  const wide = splat<V>(SPAN), far = splat<V>(FAR), all = everyBit<V>();
  let any = splat<V>(0), anyWide = any;
  for (let at: usize = 0; at < <usize>t.n << 2; at += 2 * size) {
    const end = tile + at + height;
    let high0 = loadV<V>(tile + at), high1 = loadV<V>(tile + at + size), low0 = high0, low1 = high1;
    for (let place = tile + at + row; place < end; place += row) {
      const x0 = loadV<V>(place), x1 = loadV<V>(place + size);
      high0 = pmax<V>(high0, x0);
      high1 = pmax<V>(high1, x1);
      low0 = pmin<V>(low0, x0);
      low1 = pmin<V>(low1, x1);
    }
    storeV<V>(maxima + at, high0);
    storeV<V>(maxima + at + size, high1);
    // not less than anything where the span is infinite; a NaN that was passed over comes back with the exponentials
    const span0 = sub<V>(high0, low0), span1 = sub<V>(high1, low1);
    const wide0 = clear<V>(all, lt<V>(span0, wide)), wide1 = clear<V>(all, lt<V>(span1, wide));
    storeV<V>(marks + at, wide0);
    storeV<V>(marks + at + size, wide1);
    const far0 = clear<V>(all, lt<V>(span0, far)), far1 = clear<V>(all, lt<V>(span1, far));
    storeV<V>(remote + at, far0);
    storeV<V>(remote + at + size, far1);
    const both = <usize>t.n << 2 > at + size; // else the second column holds nothing
    any = or<V>(any, both ? or<V>(far0, far1) : far0);
    anyWide = or<V>(anyWide, both ? or<V>(wide0, wide1) : wide0);
  }
  t.far = anyOf<V>(any);
  t.farther = anyOf<V>(anyWide);
}

/** Losses and gradients of a tile. */
export function near<V, W>(p: Plan, t: Walk): void {
  const tile = tileOf<V>(p, 0), grads = tileOf<V>(p, 1), exact = tileOf<V>(p, 3), lumped = lumps(p);
  // within a group far below the maximum the error of x − m shows, so it is taken back wherever it may exceed 5e-7
  const marks = t.far ? laneArray<V>(p, REMOTE) : 0;
  expTile<V>(tile, grads, t.count, t.n, laneArray<V>(p, MAX), laneArray<V>(p, REST), marks, 0, 0, 0, 0);
  if (!lumped) memory.fill(laneArray<V>(p, LOSS), 0, tileRow<V>());
  if (t.farther && p.grad != 0) memory.fill(exact, 0, <usize>t.count * tileRow<V>());
  for (let k = 0; k < p.members; k++) {
    openGroups<V>(p, t, k, 0);
    ratios<V, W>(p, t, grads, k, lumped && !t.far);
    if (t.farther) {
      topsWide<V>(p, t, k, 0);
      sumWide<V, W>(p, t, k, 0);
      closeWide<V>(p, t, 0);
      if (p.grad != 0 && weightOf(p, k) != 0) spreadWide<V>(p, t, k, 0, exact);
    }
    if (p.grad) factors<V>(p, t, grads, k);
    if (lumped) lump<V, W>(p, t, k);
    else {
      halves<V>(p, t);
      finishLosses<V, W>(p, t, k, 0, false);
    }
  }
  finishLosses<V, W>(p, t, -1, 0, false);
  if (!p.grad) return;
  if (!weighsAny(p)) memory.fill(grads, 0, <usize>t.count * tileRow<V>()); // nothing adds nothing, NaN or not
  scales<V>(p, t);
  if (t.farther) mergeWide<V>(p, t, grads, exact);
}

/** One logarithm for the losses of many samples; those of wide ones are added as they are. */
function lump<V, W>(p: Plan, t: Walk, k: i32): void {
  if (t.farther) finishLosses<V, W>(p, t, k, 0, true);
  const products = productsOf<V>(p, k);
  if (!t.far) {
    closeLarge<V, W>(p, k, products);
    return;
  }
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    growProducts<V, W>(products, loadV<V>(setArray<V>(p, 0, RATIO) + at));
    closeLarge<V, W>(p, k, products);
  }
}

// A ratio is below 2^40 in a tile without far samples and below 2^140 otherwise, so that neither sixteen vectors of the one
// nor one of the other make large products overflow.
function closeLarge<V, W>(p: Plan, k: i32, products: usize): void {
  if (largeProducts<W>(products)) addPart<V>(p, k, closeProducts<W>(products));
}

/** Halves of the losses of samples near, beside those of wide ones. */
function halves<V>(p: Plan, t: Walk): void {
  const half = splat<V>(0.5);
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const place = setArray<V>(p, 0, HALF) + at;
    const close = mul<V>(half, log1p<V>(loadV<V>(setArray<V>(p, 0, RATIO) + at)));
    storeV<V>(place, t.farther ? select_<V>(loadV<V>(place), close, loadV<V>(laneArray<V>(p, WIDE) + at)) : close);
  }
}

/** σ_O/σ_I of a component for each sample, 0 for one that is idle or wide; `grow` lets its products grow by them. */
function ratios<V, W>(p: Plan, t: Walk, grads: usize, k: i32, grow: bool): void {
  const row = tileRow<V>(), size = sizeof<V>(), map = mapOf(p, k), height = <usize>t.count * row;
  const groups = setArray<V>(p, 0, GROUP), to = setArray<V>(p, 0, RATIO);
  const idle = laneArray<V>(p, IDLE), wide = laneArray<V>(p, WIDE);
  const zero = splat<V>(0), products = productsOf<V>(p, k), last = (<usize>t.n << 2) - size;
  let low = loadW<W>(products), high = loadW<W>(products + 16);
  for (let at: usize = 0; at < <usize>t.n << 2; at += 2 * size) {
    const group0 = loadV<V>(groups + at), group1 = loadV<V>(groups + at + size);
    const end = grads + at + height;
    let inside0 = zero, outside0 = zero, inside1 = zero, outside1 = zero;
    for (let place = grads + at, c = map; place < end; ) {
      const stop = min(place + <usize>TILE_RUN * row, end);
      let near0 = zero, rest0 = zero, near1 = zero, rest1 = zero;
      for (; place < stop; place += row, c += 4) {
        const own = loadSplat<V>(c), e0 = loadV<V>(place), e1 = loadV<V>(place + size);
        const mask0 = sameInt<V>(group0, own), mask1 = sameInt<V>(group1, own);
        rest0 = add<V>(rest0, clear<V>(e0, mask0));
        near0 = add<V>(near0, and<V>(e0, mask0));
        rest1 = add<V>(rest1, clear<V>(e1, mask1));
        near1 = add<V>(near1, and<V>(e1, mask1));
      }
      outside0 = add<V>(outside0, rest0);
      inside0 = add<V>(inside0, near0);
      outside1 = add<V>(outside1, rest1);
      inside1 = add<V>(inside1, near1);
    }
    const none0 = or<V>(loadV<V>(idle + at), loadV<V>(wide + at));
    const none1 = or<V>(loadV<V>(idle + at + size), loadV<V>(wide + at + size));
    const ratio0 = clear<V>(div<V>(outside0, inside0), none0), ratio1 = clear<V>(div<V>(outside1, inside1), none1);
    storeV<V>(to + at, ratio0);
    storeV<V>(to + at + size, ratio1);
    if (!grow) continue;
    low = growLow<V, W>(low, ratio0);
    high = growHigh<V, W>(high, ratio0);
    if (<isize>at >= <isize>last) continue;
    low = growLow<V, W>(low, ratio1);
    high = growHigh<V, W>(high, ratio1);
  }
  storeW<W>(products, low);
  storeW<W>(products + 16, high);
}

/** What multiplies e in the gradient: the sum over the components of w outside and −w·ratio inside. The last one does it. */
function factors<V>(p: Plan, t: Walk, grads: usize, k: i32): void {
  const row = tileRow<V>(), size = sizeof<V>(), map = mapOf(p, k), height = <usize>t.count * row;
  const groups = setArray<V>(p, 0, GROUP), ratios = setArray<V>(p, 0, RATIO);
  const sums = tileOf<V>(p, 2) - grads; // from a gradient to its factor
  const w = splat<V>(weightOf(p, k));
  const last = k == p.members - 1;
  for (let at: usize = 0; at < <usize>t.n << 2; at += 2 * size) {
    const group0 = loadV<V>(groups + at), group1 = loadV<V>(groups + at + size);
    const flip0 = xor<V>(w, neg<V>(mul<V>(w, loadV<V>(ratios + at)))); // turns one factor into the other
    const flip1 = xor<V>(w, neg<V>(mul<V>(w, loadV<V>(ratios + at + size))));
    const end = grads + at + height;
    for (let place = grads + at, c = map; place < end; place += row, c += 4) {
      const own = loadSplat<V>(c);
      let factor0 = xor<V>(w, and<V>(flip0, sameInt<V>(group0, own)));
      let factor1 = xor<V>(w, and<V>(flip1, sameInt<V>(group1, own)));
      if (k > 0) {
        factor0 = add<V>(factor0, loadV<V>(place + sums));
        factor1 = add<V>(factor1, loadV<V>(place + sums + size));
      }
      if (last) {
        storeV<V>(place, mul<V>(loadV<V>(place), factor0));
        storeV<V>(place + size, mul<V>(loadV<V>(place + size), factor1));
      } else {
        storeV<V>(place + sums, factor0);
        storeV<V>(place + sums + size, factor1);
      }
    }
  }
}

/** What multiplies the gradients on their way out: for e the mass of the sample over Σe. */
function scales<V>(p: Plan, t: Walk): void {
  const one = splat<V>(1);
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const mass = clear<V>(loadV<V>(t.mass + at), loadV<V>(laneArray<V>(p, IDLE) + at));
    const scale = div<V>(mass, add<V>(loadV<V>(laneArray<V>(p, REST) + at), one));
    const wide = loadV<V>(laneArray<V>(p, WIDE) + at);
    storeV<V>(laneArray<V>(p, SCALE) + at, t.farther ? select_<V>(mass, scale, wide) : scale);
  }
}

/** Puts the gradients of wide samples beside the others. */
function mergeWide<V>(p: Plan, t: Walk, grads: usize, exact: usize): void {
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const wide = loadV<V>(laneArray<V>(p, WIDE) + at);
    if (!anyOf<V>(wide)) continue;
    let place = grads + at;
    for (let c = 0; c < t.count; c++, place += tileRow<V>()) {
      storeV<V>(place, select_<V>(loadV<V>(place + (exact - grads)), loadV<V>(place), wide));
    }
  }
}
