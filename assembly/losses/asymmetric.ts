// Asymmetric loss (Ridnik et al. 2021, eq. 7; soft targets as the official code has them): with p = σ(x), r = σ(−x),
// p_m = max(p − clip, 0),
//
//   w = (y·r + (1 − y)·p_m)^(γ₊·y + γ₋·(1 − y)),   l = w·CE,   CE = −y·log p − (1 − y)·log(1 − p_m)
//   ∂CE/∂x = −y·r + (1 − y)·p·r/(r + clip) where p > clip
//
// and ∂l/∂x = w·∂CE/∂x, plus ∂w/∂x·CE where the weights are not detached. −log p = log1p(e^−x) keeps the digits of a sure
// element, as does log1p(−p_m) those of a small p_m; nothing is clamped. 0⁰ = 1.
//
// Parameters: p0 gammaPos, p1 gammaNeg, p2 clip, p3 detachWeights.

import { DECAY } from '../elements/exponentials';
import { elements } from '../elements/frame';
import { constantPad } from '../elements/walk';
import {
  add, and, anyOf, div, eq, inverseOf1, le, loadV, lt, madd, massTimes, mul, neg, nmadd, pmax, pmin, select_, splat, storeV,
  sub,
} from '../lane/lane';
import { log1pUnit, logNear } from '../math/log';
import { power, powerOf } from '../math/pow';
import { Plan } from '../plan';

@unmanaged
class Asymmetric extends Plan {
  // @ts-ignore: decorator
  @inline exponential(): i32 {
    return DECAY;
  }

  // @ts-ignore: decorator
  @inline shared(x: v128, y: v128, e: v128, z: v128, a: v128, b: v128, c: v128): v128 {
    return entropyOf(this, x, y, this.share(x, e, false), this.share(x, e, true), e);
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128, entropy: v128, a: v128, b: v128, c: v128): v128 {
    const w = weightOf(this, y, this.share(x, e, false), this.share(x, e, true));
    storeV(constantPad(this), w); // for the slope, which is next
    return massTimes(w, entropy);
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128, entropy: v128, a: v128, b: v128, c: v128): v128 {
    return mul(slopeOf(this, y, this.share(x, e, false), this.share(x, e, true), entropy), f);
  }

  /** σ(x), or of −x. */
  // @ts-ignore: decorator
  @inline share(x: v128, e: v128, opposite: bool): v128 {
    const s = inverseOf1(e), small = mul(e, s), negative = lt(x, splat(0));
    return opposite ? select_(s, small, negative) : select_(small, s, negative);
  }
}

// @ts-ignore: decorator
@inline function shifted(o: Plan, p: v128): v128 {
  return pmax(sub(p, splat(<f32>o.p2)), splat(0));
}

/** γ₊·y + γ₋·(1 − y); their difference times y would leave few digits of the smaller one. */
// @ts-ignore: decorator
@inline function exponentOf(o: Plan, y: v128): v128 {
  return madd(y, splat(<f32>o.p0), mul(sub(splat(1), y), splat(<f32>o.p1)));
}

/** w. */
function weightOf(o: Plan, y: v128, p: v128, r: v128): v128 {
  const one = splat(1), above = shifted(o, p);
  const w = select_(power(r, o.p0), power(above, o.p1), eq(y, one));
  const soft = and(lt(splat(0), y), lt(y, one));
  if (!anyOf(soft)) return w;
  const exponent = exponentOf(o, y);
  const base = madd(y, r, mul(sub(one, y), above));
  return select_(select_(one, powerOf(base, exponent), eq(exponent, splat(0))), w, soft);
}

/** CE. */
function entropyOf(o: Plan, x: v128, y: v128, p: v128, r: v128, e: v128): v128 {
  const zero = splat(0), half = splat(0.5), above = shifted(o, p), l = log1pUnit(e);
  // −log(1 − p_m)
  let rest = add(l, pmax(x, zero));
  if (o.p2 != 0) rest = neg(logNear(neg(above), add(r, splat(<f32>o.p2)), le(half, above)));
  return add(massTimes(y, sub(l, pmin(x, zero))), massTimes(sub(splat(1), y), rest));
}

function slopeOf(o: Plan, y: v128, p: v128, r: v128, entropy: v128): v128 {
  const zero = splat(0), one = splat(1), clip = splat(<f32>o.p2), rest = sub(one, y);
  const counts = lt(clip, p), w = loadV(constantPad(o));
  const pull = and(o.p2 == 0 ? p : div(mul(p, r), add(r, clip)), counts);
  const own = mul(w, nmadd(y, r, mul(rest, pull)));
  if (o.p3 != 0) return own;
  const base = madd(y, r, mul(rest, shifted(o, p))), both = mul(p, r);
  const steep = nmadd(y, both, and(mul(rest, both), counts));
  const exponent = exponentOf(o, y);
  const bend = massTimes(mul(exponent, steep), select_(zero, div(w, base), eq(base, zero)));
  return add(own, massTimes(bend, entropy));
}

export function asymmetric(p: Plan): usize {
  return elements<Asymmetric>(p);
}
