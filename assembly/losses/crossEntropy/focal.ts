// What a focal loss does to the masses of its samples: times (1 − p_t)^γ for the value, times (1 − p_t)^γ·(1 + γ·ratio)/Σe for the
// gradient. The gradient of the target has 1/Σe and 1 − p_t to the power γ + 1, so that this is formed in float64, but for a
// fraction of γ.

import { addW, divW, high, join, low, mulW, splatW, subW } from '../../lane/wide';
import { power } from '../../math/pow';

/** γ above this is one power. */
const MOST: f64 = 8;

// @ts-ignore: decorator
@inline function half(gamma: f64, mass: v128, factor: v128, ratio: v128, q: v128, e: v128, slope: bool): v128 {
  const one = splatW(1), sum = addW(q, one), left = divW(addW(q, subW(one, e)), sum);
  let scale = mulW(mass, factor);
  if (gamma < MOST) for (let i: f64 = 1; i <= gamma; i++) scale = mulW(scale, left);
  return slope ? divW(mulW(scale, addW(mulW(ratio, splatW(gamma)), one)), sum) : scale;
}

/** `left` is 1 − p_t. */
export function focal(gamma: f64, mass: v128, left: v128, ratio: v128, q: v128, e: v128, slope: bool): v128 {
  const factor = power(left, gamma < MOST ? gamma - Math.floor(gamma) : gamma);
  return join(
    half(gamma, low(mass), low(factor), low(ratio), low(q), low(e), slope),
    half(gamma, high(mass), high(factor), high(ratio), high(q), high(e), slope),
  );
}
