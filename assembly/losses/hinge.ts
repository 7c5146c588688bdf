// l = max(0, m), m = margin − s·x, or its square; s = 1 where y = 1 and −1 where it is 0 or −1. ∂l/∂x = −s where m > 0, or
// −2·s·max(0, m). Source: Cortes & Vapnik 1995. At most three roundings.
//
// Parameters: p0 margin, p1 squared. Operands: a weight, b posWeight, which counts where s = 1.

import { elements } from '../elements/frame';
import { isSimple, plain } from '../elements/plain';
import { Run } from '../elements/walk';
import { add, and, eq, everyBit, lt, massTimes, mul, ne, or, pmax, select_, signBits, splat, xor } from '../lane/lane';
import { Plan } from '../plan';

@unmanaged
class Hinge extends Plan {
  // @ts-ignore: decorator
  @inline constantA(): v128 {
    return splat(<f32>this.p0);
  }

  // what the excess is multiplied with is m where it is squared, else 1: m & squared | once

  // @ts-ignore: decorator
  @inline constantB(): v128 {
    return this.p1 != 0 ? everyBit() : splat(0);
  }

  // @ts-ignore: decorator
  @inline constantC(): v128 {
    return splat(this.p1 != 0 ? 0 : 1);
  }

  /** posWeight. */
  // @ts-ignore: decorator
  @inline operand(run: Run): usize {
    return run.b;
  }

  // @ts-ignore: decorator
  @inline step(run: Run): usize {
    return run.stepB;
  }

  // @ts-ignore: decorator
  @inline weighted(x: v128, y: v128, w: v128, e: v128, positive: v128, margin: v128, squared: v128, once: v128): v128 {
    const m = excess(x, y, margin);
    return massTimes(massTimes(mass(y, w, positive), m), or(and(m, squared), once));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128, positive: v128, margin: v128, squared: v128, once: v128): v128 {
    const m = excess(x, y, margin), s = or(or(and(add(m, m), squared), and(once, lt(splat(0), m))), ne(m, m));
    return xor(massTimes(mass(y, f, positive), s), turn(y));
  }
}

/** The hinge itself, with nothing to weigh. */
@unmanaged
class Simple extends Plan {
  // @ts-ignore: decorator
  @inline constantA(): v128 {
    return splat(<f32>this.p0);
  }

  // @ts-ignore: decorator
  @inline idle(): f32 {
    return -Infinity;
  }

  /** −1, 0 and 1 are their own cubes. */
  // @ts-ignore: decorator
  @inline legal(x: v128, y: v128): v128 {
    return eq(mul(mul(y, y), y), y);
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128, z: v128, margin: v128, b: v128, c: v128): v128 {
    return excess(x, y, margin);
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128, z: v128, margin: v128, b: v128, c: v128): v128 {
    const m = excess(x, y, margin);
    return xor(or(and(f, lt(splat(0), m)), ne(m, m)), turn(y));
  }
}

// @ts-ignore: decorator
@inline function mass(y: v128, w: v128, positive: v128): v128 {
  return select_(mul(w, positive), w, lt(splat(0), y));
}

/** The sign bit where s = 1. */
// @ts-ignore: decorator
@inline function turn(y: v128): v128 {
  return and(lt(splat(0), y), signBits());
}

/** max(0, m). */
// @ts-ignore: decorator
@inline function excess(x: v128, y: v128, margin: v128): v128 {
  return pmax(add(margin, xor(x, turn(y))), splat(0));
}

export function hinge(p: Plan): usize {
  return p.p1 == 0 && isSimple(p) ? plain<Simple>(p) : elements<Hinge>(p);
}
