// What a focal loss does to the masses of its samples: times (1 − p_t)^γ for the value, times (1 − p_t)^γ·(1 + γ·ratio)/Σe for the
// gradient. The gradient of the target has 1/Σe and 1 − p_t to the power γ + 1, so that this is formed in float64, but for a
// fraction of γ.

import { storeV, VECTOR } from '../../lane/lane';
import { addW, divW, high, join, low, mulW, splatW, subW } from '../../lane/wide';
import { power } from '../../math/pow';

/** γ above this is one power. */
const MOST: f64 = 8;

/** (1 − p_t)^γ; `factor` is what a fraction of γ has of it. */
// @ts-ignore: decorator
@inline function powerOf(gamma: f64, factor: v128, q: v128, e: v128): v128 {
  const one = splatW(1), left = divW(addW(q, subW(one, e)), addW(q, one));
  if (gamma < MOST) for (let i: f64 = 1; i <= gamma; i++) factor = mulW(factor, left);
  return factor;
}

/** What multiplies the exponentials in the gradient. */
// @ts-ignore: decorator
@inline function slopeOf(gamma: f64, mass: v128, power: v128, ratio: v128, q: v128): v128 {
  const one = splatW(1);
  return divW(mulW(mulW(mass, power), addW(mulW(ratio, splatW(gamma)), one)), addW(q, one));
}

/** Stores the masses of the values of four samples at `to`, and those of their gradients behind; `left` is 1 − p_t. */
export function focal(gamma: f64, own: v128, mass: v128, left: v128, ratio: v128, q: v128, e: v128, to: usize): void {
  const factor = power(left, gamma < MOST ? gamma - Math.floor(gamma) : gamma);
  const a = powerOf(gamma, low(factor), low(q), low(e)), b = powerOf(gamma, high(factor), high(q), high(e));
  storeV(to, join(mulW(low(own), a), mulW(high(own), b)));
  storeV(to + VECTOR, join(
    slopeOf(gamma, low(mass), a, low(ratio), low(q)), slopeOf(gamma, high(mass), b, high(ratio), high(q)),
  ));
}
