// Losses of many tasks, weighted by learned uncertainties: a few numbers, so that no kernel is worth its call.

import { fitExactly } from '../arguments/fit.ts';
import { readOperand } from '../arguments/operand.ts';
import { describe } from '../values/array.ts';
import { trim } from '../values/guard.ts';
import { exponential, real } from '../values/number.ts';
import type { Tensor, TensorInput } from '../values/types.ts';

/** What `uncertaintyWeighted` returns. */
export interface UncertaintyResult {
  /** Σ ½·e^(−s)·L + ½·s. */
  readonly loss: number;
  /** ½·e^(−s), shaped like the losses. */
  readonly gradLosses: Tensor;
  /** ½ − ½·e^(−s)·L, shaped like the losses. */
  readonly gradS: Tensor;
}

/** Σ ½·e^(−s)·L + ½·s of losses L and log-variances s; `check` throws where nothing may be computed any more. */
export function makeUncertainty(check?: () => unknown): (losses: TensorInput, s: TensorInput) => UncertaintyResult {
  const uncertaintyWeighted = (losses: TensorInput, s: TensorInput, options?: undefined): UncertaintyResult => {
    try {
      check?.();
      if (options !== undefined) {
        throw new TypeError(
          `uncertaintyWeighted: options is ${describe(options)}, expected none, since it has no options`,
        );
      }
      return weigh(losses, s);
    } catch (error) {
      trim(error, uncertaintyWeighted);
      throw error;
    }
  };
  return uncertaintyWeighted;
}

function weigh(losses: TensorInput, s: TensorInput): UncertaintyResult {
  const values = readOperand(losses, 'uncertaintyWeighted: losses');
  const variances = readOperand(s, 'uncertaintyWeighted: s');
  const shape = values.shape ?? [values.length];
  fitExactly(variances, shape, () => 'one per loss');
  const gradLosses = { data: new Float32Array(values.length), shape };
  const gradS = { data: new Float32Array(values.length), shape };
  let loss = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values.data[i] as number;
    const half = 0.5 * exponential(-(variances.data[i] as number));
    const term = half === 0 || value === 0 ? 0 : half * value;
    loss += term + 0.5 * (variances.data[i] as number);
    gradLosses.data[i] = real(half);
    gradS.data[i] = real(0.5 - term);
  }
  return { loss: real(loss), gradLosses, gradS };
}
