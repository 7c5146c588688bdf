// Squared error: d = x − y, l = w·d², ∂l/∂x = 2·w·d. Source: PyTorch, aten/src/ATen/native/Loss.cpp. One rounding in d,
// one or two in each product.

import { beginRuns, nextRun, Run } from '../elements';
import { add, clear, eq, lanes, loadV, mul, splat, storeV, sub, sumOf, widenAdd, zeroW } from '../lane';
import { Plan } from '../plan';

/** Squared error over a plan. */
export function mseKernel<V, W>(p: Plan): void {
  const general = (p.weight | p.gradOutput | p.loss) != 0;
  const run = beginRuns(p, 0);
  while (nextRun<V>(p, run)) {
    if (general) weighted<V, W>(p, run);
    else plain<V, W>(p, run);
  }
}

function plain<V, W>(p: Plan, run: Run): void {
  const step = lanes<V>(), size = <usize>step << 2;
  const twice = splat<V>(<f32>(2 * p.upstream));
  let acc = zeroW<W>();
  let n = run.n, x = run.x, y = run.y, g = run.grad;
  for (; n >= 4 * step; n -= 4 * step) {
    const d0 = sub<V>(loadV<V>(x), loadV<V>(y));
    const d1 = sub<V>(loadV<V>(x + size), loadV<V>(y + size));
    const d2 = sub<V>(loadV<V>(x + 2 * size), loadV<V>(y + 2 * size));
    const d3 = sub<V>(loadV<V>(x + 3 * size), loadV<V>(y + 3 * size));
    // a tree of four before float64: two roundings, none where all terms are equal
    acc = widenAdd<V, W>(acc, add<V>(add<V>(mul<V>(d0, d0), mul<V>(d1, d1)), add<V>(mul<V>(d2, d2), mul<V>(d3, d3))));
    if (g) {
      storeV<V>(g, mul<V>(d0, twice));
      storeV<V>(g + size, mul<V>(d1, twice));
      storeV<V>(g + 2 * size, mul<V>(d2, twice));
      storeV<V>(g + 3 * size, mul<V>(d3, twice));
      g += 4 * size;
    }
    x += 4 * size;
    y += 4 * size;
  }
  for (; n > 0; n -= step, x += size, y += size) {
    const d = sub<V>(loadV<V>(x), loadV<V>(y));
    acc = widenAdd<V, W>(acc, mul<V>(d, d));
    if (g) {
      storeV<V>(g, mul<V>(d, twice));
      g += size;
    }
  }
  p.sum += sumOf<W>(acc);
}

function weighted<V, W>(p: Plan, run: Run): void {
  const step = lanes<V>(), size = <usize>step << 2;
  const twice = splat<V>(<f32>(2 * p.upstream)), zero = splat<V>(0);
  let acc = zeroW<W>();
  let x = run.x, y = run.y, g = run.grad, l = run.loss, w = run.weight, incoming = run.incoming;
  for (let n = run.n; n > 0; n -= step, x += size, y += size, w += run.weightStep, incoming += run.incomingStep) {
    const d = sub<V>(loadV<V>(x), loadV<V>(y));
    const weight = loadV<V>(w);
    const nothing = eq<V>(weight, zero); // a zero weight drops its element whatever d is
    const wd = clear<V>(mul<V>(weight, d), nothing);
    const loss = clear<V>(mul<V>(wd, d), nothing);
    acc = widenAdd<V, W>(acc, loss);
    if (l) {
      storeV<V>(l, loss);
      l += size;
    }
    if (g) {
      storeV<V>(g, mul<V>(mul<V>(wd, loadV<V>(incoming)), twice));
      g += size;
    }
  }
  p.sum += sumOf<W>(acc);
}
