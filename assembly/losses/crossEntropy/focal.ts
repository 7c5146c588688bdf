// What multiplies the gradients of a focal loss: mass·(1 − p_t)^γ·(1 + γ·ratio)/Σe. With the usual γ = 2 the gradient of the target has
// (1 − p_t) to the third and 1/Σe with it, so that this is formed in float64.

import { addW, divW, high, join, low, mulW, splatW, subW } from '../../lane/wide';
import { Plan } from '../../plan';

// @ts-ignore: decorator
@inline function half(gamma: f64, mass: v128, factor: v128, ratio: v128, q: v128, e: v128): v128 {
  const one = splatW(1), sum = addW(q, one), left = divW(subW(sum, e), sum);
  const bracket = addW(mulW(ratio, splatW(gamma)), one);
  return divW(mulW(mulW(mass, bracket), gamma == 2 ? mulW(left, left) : factor), sum);
}

/** `factor` is (1 − p_t)^γ. */
export function focalScale(p: Plan, mass: v128, factor: v128, ratio: v128, q: v128, e: v128): v128 {
  const gamma = p.p3;
  return join(
    half(gamma, low(mass), low(factor), low(ratio), low(q), low(e)),
    half(gamma, high(mass), high(factor), high(ratio), high(q), high(e)),
  );
}
