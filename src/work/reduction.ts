// From sums to losses, and what multiplies gradients.

import type { Call } from '../arguments/call.ts';
import { PLAN, type Plan } from '../machine/runtime.ts';
import { real } from '../values/number.ts';

/** Gradients are multiplied by this afterwards where what multiplies them is more, and divided where it is less than 1 over it. */
const STEEP = 2 ** 100;

/** The sums of a step. */
export class Sums {
  sum = 0;
  /** The term that has a denominator of its own. */
  sideSum = 0;
  count = 0;
  weightSum = 0;
  /** How often gradients are still to be multiplied by STEEP (Kernels.amplify); below 0 divided. */
  times = 0;
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  /** What the loss is divided by. */
  get denominator(): number {
    const { reduction, batch } = this.#call;
    if (reduction === 'mean') return this.weightSum;
    return reduction === 'batchmean' ? batch : 1;
  }

  get #sideDenominator(): number {
    return this.#call.reduction === 'mean' ? this.count : this.denominator;
  }

  /** Sets what multiplies gradients; false where they are all 0, the mean being over nothing. */
  setUpstream(plan: Plan): boolean {
    const { scale, incoming } = this.#call;
    const by = this.denominator;
    const sideBy = this.#sideDenominator;
    const all = scale * (typeof incoming === 'number' ? incoming : 1);
    let upstream = by === 0 ? 0 : all / by;
    let side = sideBy === 0 ? 0 : all / sideBy;
    // beyond float32 a factor would be infinite, and infinite times 0 is no gradient; a subnormal one has few digits
    let most = Math.max(Math.abs(upstream), Math.abs(side));
    let factor = 1;
    this.times = 0;
    for (; most > STEEP && most < 1 / 0; most /= STEEP) {
      this.times += 1;
      factor /= STEEP;
    }
    for (; most > 0 && most < 1 / STEEP; most *= STEEP) {
      this.times -= 1;
      factor *= STEEP;
    }
    upstream *= factor;
    side *= factor;
    plan.setDouble(PLAN.upstream, upstream);
    plan.setDouble(PLAN.sideUpstream, side);
    return upstream !== 0 || side !== 0 || by !== 0;
  }

  /** Reads what the kernels added up. */
  read(plan: Plan): void {
    this.sum = real(plan.getDouble(PLAN.sum));
    this.sideSum = real(plan.getDouble(PLAN.sideSum));
  }

  /** A sum over a denominator; the mean over nothing is what `emptyMean` says. */
  reduce(sum: number, by = this.denominator): number {
    if (by !== 0) return sum / by;
    return this.#call.emptyMean === 'zero' ? 0 : Number.NaN;
  }

  /** The loss, reduced. */
  get loss(): number {
    const loss = this.reduce(this.sum);
    return this.sideSum === 0 ? loss : loss + this.reduce(this.sideSum, this.#sideDenominator);
  }
}
