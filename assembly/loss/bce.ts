// Binary cross entropy with logits. With σ = sigmoid, sp(x) = log(1 + e^x) = max(x, 0) + L, L = log1p(e^−|x|), weight w and
// posWeight P, and y the target after smoothing, (1−ε)·y + ε/2:
//
//   l = c₁·sp(x) + c₂·sp(−x),       c₁ = w·(1−y), c₂ = w·P·y
//   ∂l/∂x = c₁·σ(x) − c₂·σ(−x)
//
// Let h be the mass that the logit argues against (c₁ where x ≥ 0, c₂ where x < 0), k the other one, e = e^−|x|. Then
//
//   l = (c₁ + c₂)·L + h·|x|,        ∂l/∂x = ±(h − k·e)/(1 + e)
//
// where nothing cancels: a sure and right element keeps all digits of its loss and of its gradient (σ(x) − y would round
// to 0). h = 0 drops its term, so an infinite logit that agrees with its target costs 0. Source: PyTorch,
// aten/src/ATen/native/Loss.cpp (definition).

import { beginRuns, nextRun, Run } from '../elements';
import {
  abs_, add, and, clear, div, eq, growHigh, growLow, lanes, loadV, logOf, lt, madd, mul, ne, neg, nmadd, select_, splat,
  storeV, sub, sumOf, widenAdd, xor, zeroW,
} from '../lane';
import { exp, log1p } from '../math';
import { IGNORE, Plan } from '../plan';

/** Vectors whose h·|x| are summed in float32. */
const SHORT = 16;
/** Factors 1 + e ≤ 2 of one product: 2^512 is far from overflow. */
const FACTORS = 512;

/** Binary cross entropy over a plan. */
export function bceKernel<V, W>(p: Plan): void {
  const general = (p.weight | p.posWeight | p.gradOutput | p.loss) != 0 || p.smoothing != 0 || (p.flags & IGNORE) != 0;
  const run = beginRuns(p, -Infinity);
  while (nextRun<V>(p, run)) {
    if (general) weighted<V, W>(p, run);
    else plain<V, W>(p, run);
  }
}

/** Without weights: Σ L is the logarithm of one product (reduce.ts, addLog), in float64 per lane. */
function plain<V, W>(p: Plan, run: Run): void {
  const size = <usize>lanes<V>() << 2;
  const zero = splat<V>(0), one = splat<V>(1), sign = splat<V>(-0.0), upstream = splat<V>(<f32>p.upstream);
  let acc = zeroW<W>();
  let x = run.x, y = run.y, g = run.grad;
  for (let n = run.n / lanes<V>(); n > 0; ) {
    let low = zeroW<W>(), high = zeroW<W>();
    let factors = min(n, FACTORS);
    n -= factors;
    while (factors > 0) {
      let away = zero;
      let turns = min(factors, SHORT);
      factors -= turns;
      for (; turns > 0; turns--, x += size, y += size) {
        const v = loadV<V>(x), t = loadV<V>(y);
        const a = abs_<V>(v);
        const e = exp<V>(neg<V>(a));
        const negative = lt<V>(v, zero);
        const h = select_<V>(t, sub<V>(one, t), negative);
        away = add<V>(away, and<V>(mul<V>(a, h), ne<V>(h, zero)));
        low = growLow<V, W>(low, e);
        high = growHigh<V, W>(high, e);
        if (g) {
          const d = div<V>(nmadd<V>(sub<V>(one, h), e, h), add<V>(e, one));
          storeV<V>(g, mul<V>(xor<V>(d, and<V>(negative, sign)), upstream));
          g += size;
        }
      }
      acc = widenAdd<V, W>(acc, away);
    }
    p.sum += logOf<W>(low) + logOf<W>(high);
  }
  p.sum += sumOf<W>(acc);
}

function weighted<V, W>(p: Plan, run: Run): void {
  const step = lanes<V>(), size = <usize>step << 2;
  const zero = splat<V>(0), one = splat<V>(1), sign = splat<V>(-0.0), upstream = splat<V>(<f32>p.upstream);
  const keep = splat<V>(<f32>(1 - p.smoothing)), half = splat<V>(<f32>(p.smoothing * 0.5));
  const ignores = (p.flags & IGNORE) != 0;
  const missing = splat<V>(<f32>p.ignoreValue);
  const missingIsNaN = p.ignoreValue != p.ignoreValue;
  let acc = zeroW<W>();
  let x = run.x, y = run.y, g = run.grad, l = run.loss, w = run.weight, pw = run.posWeight, incoming = run.incoming;
  for (let n = run.n; n > 0; n -= step, x += size, y += size) {
    const v = loadV<V>(x), raw = loadV<V>(y), weight = loadV<V>(w);
    const t = madd<V>(raw, keep, half);
    let c1 = mul<V>(weight, sub<V>(one, t));
    let c2 = mul<V>(weight, mul<V>(loadV<V>(pw), t));
    if (ignores) {
      const skip = missingIsNaN ? ne<V>(raw, raw) : eq<V>(raw, missing);
      c1 = clear<V>(c1, skip);
      c2 = clear<V>(c2, skip);
    }
    const a = abs_<V>(v);
    const e = exp<V>(neg<V>(a));
    const negative = lt<V>(v, zero);
    const h = select_<V>(c2, c1, negative), k = select_<V>(c1, c2, negative);
    const mass = add<V>(c1, c2);
    const even = and<V>(mul<V>(mass, log1p<V>(e)), ne<V>(mass, zero));
    const loss = add<V>(even, and<V>(mul<V>(a, h), ne<V>(h, zero)));
    acc = widenAdd<V, W>(acc, loss);
    if (l) {
      storeV<V>(l, loss);
      l += size;
    }
    if (g) {
      const d = div<V>(nmadd<V>(k, e, h), add<V>(e, one));
      const nothing = and<V>(eq<V>(c1, zero), eq<V>(c2, zero));
      const scale = mul<V>(loadV<V>(incoming), upstream);
      storeV<V>(g, clear<V>(mul<V>(xor<V>(d, and<V>(negative, sign)), scale), nothing));
      g += size;
    }
    w += run.weightStep;
    pw += run.posWeightStep;
    incoming += run.incomingStep;
  }
  p.sum += sumOf<W>(acc);
}
