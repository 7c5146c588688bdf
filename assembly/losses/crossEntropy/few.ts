// Class indices of two to four classes, but for class weights with smoothing, and zLoss. The formulas are those of indices.ts; but
// from its exponentials to its gradients a vector of samples stays in registers, its target is found by comparison, and no loop over
// the classes is begun and ended for four of them (docs/kernels.md).

import { expRows, FEW, maxima } from '../../classes/few';
import { bring, take } from '../../classes/lines';
import { tileRow } from '../../classes/pack';
import { ARRAYS, AWAY, beginSamples, LOSS, MAX, ONES, openSamples, PRODUCT, REST } from '../../classes/samples';
import { advance, begin, closeChunk, laneArray, openChunk, Walk } from '../../classes/walk';
import { add, doubled, LANES, loadV, mul, storeV, sub, VECTOR } from '../../lane/lane';
import { log1p } from '../../math/log';
import { CUT, Plan } from '../../plan';
import { addLosses, largeProducts } from '../../sums';
import { columns, smoothColumns } from './columns';
import { expPairs, pairs } from './pairs';
import { moves } from './softcap';
import { closeTogether, openTogether } from './together';

/** Whether a plan is of this kind. */
export function isFew(p: Plan): bool {
  return p.total >= 2 && p.total <= FEW && (p.p0 == 0 || p.a == 0) && p.p1 == 0 && (p.flags & CUT) == 0 && !moves(p);
}

/** Takes such a plan through the loss. */
export function fewClasses(p: Plan): usize {
  beginSamples(p);
  const t = begin(p), products = laneArray(p, PRODUCT), row = tileRow(), classes = p.total;
  const tile = laneArray(p, ARRAYS), exponentials = tile + <usize>classes * row;
  // samples that weigh, or whose losses are asked for, one by one
  const apart = (p.a | p.b | p.loss | p.incoming) != 0;
  // called by reference, so that it is a function of its own, with registers of its own
  const compute = classes == 2 ? pairs : p.p0 != 0 ? smoothColumns : columns;
  openTogether(products);
  t.count = classes;
  while (openChunk(p, t)) {
    while (advance(p, t, false, true)) {
      if (apart) openSamples(p, t, true, false, false);
      // lines of samples are read and written in their place, if they are whole turns of the loops
      const whole = t.n % (2 * LANES) == 0 && t.line == t.n, placed = whole && classes != 3 && t.sampleX == 4;
      const sends = !whole || t.sampleG != 4;
      const x = placed ? t.x : tile, stepX = placed ? t.classX : row;
      if (!placed) bring(t, t.x, t.classX, t.sampleX, t.lineX, tile, laneArray(p, MAX));
      else if (classes > 2) maxima(x, stepX, classes, t.n, laneArray(p, MAX));
      // and lines of two or four classes are written as they are made
      const joins = sends && whole && t.classG == 4 && (classes == 4 || (classes == 2 && t.sampleG == 8)), packs = sends && !joins;
      const g = packs ? exponentials : t.g, stepG = packs ? row : t.classG;
      if (classes == 2) expPairs(x, stepX, exponentials, t.n);
      else expRows(x, stepX, exponentials, classes, t.n, laneArray(p, MAX));
      compute(p, t, x, stepX, exponentials, g, stepG, joins, apart);
      if (apart) losses(p, t);
      if (p.grad != 0 && packs) take(t, exponentials, ONES);
      if (largeProducts(products)) p.sum += closeTogether(products);
    }
    p.sum += closeTogether(products);
    closeChunk(p, t);
  }
  return 0;
}

/** The losses of samples one by one; those of idle ones are 0. */
function losses(p: Plan, t: Walk): void {
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const own = loadV(t.own + at), gap = loadV(laneArray(p, AWAY) + at);
    storeV(laneArray(p, LOSS) + at, sub(mul(own, log1p(loadV(laneArray(p, REST) + at))), doubled(mul(own, gap))));
  }
  addLosses(p, laneArray(p, LOSS), t.sample, t.n);
}
