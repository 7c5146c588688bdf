// The linear layer by itself, for prediction, and for those who put something between it and a loss.

import { type Given, readNames, readOut } from '../arguments/common.ts';
import { fitExactly } from '../arguments/fit.ts';
import { checkAccumulate, checkHeadOverlap, HEAD_OPTIONS, readHead } from '../arguments/linear.ts';
import { readOperand } from '../arguments/operand.ts';
import { record } from '../losses/record.ts';
import { trim } from '../values/guard.ts';
import type { Linear } from '../values/linear.ts';
import type { Tensor } from '../values/types.ts';
import { computeGradients, computeLogits } from '../work/linear/layer.ts';
import type { RuntimeSource } from './form.ts';

const LAYER = record({
  name: 'linear',
  walk: 'element',
  target: 'none',
  names: ['features', 'gradOutput'],
  options: {},
});

/** Checks and computes logits. */
function forwardOf(features: unknown, parameters: unknown, options: unknown, source: RuntimeSource): Tensor {
  const { out, ...given }: Given = readNames('linear', LAYER, options, ['outputs']);
  const head = readHead('linear', features, parameters, given);
  const to = out === undefined ? undefined : readOut(out, head.shape, 'linear: out');
  if (to) checkHeadOverlap('linear', head, [], { out: to });
  return computeLogits('linear', head, to, source());
}

/** Checks and computes gradients. */
function backwardOf(
  gradOutput: unknown,
  features: unknown,
  parameters: unknown,
  options: unknown,
  source: RuntimeSource,
): unknown {
  const name = 'linear.backward';
  const given: Given = readNames(name, LAYER, options, HEAD_OPTIONS);
  const incoming = readOperand(gradOutput, `${name}: gradOutput`);
  const outputs = given.outputs ?? (incoming.shape && incoming.shape.length > 0 ? incoming.shape.slice(1) : undefined);
  const head = readHead(name, features, parameters, { ...given, ...(outputs !== undefined && { outputs }) });
  fitExactly(incoming, head.shape, () => 'the shape of the logits');
  checkAccumulate(name, head);
  checkHeadOverlap(name, head, [incoming.typed]);
  return computeGradients(name, head, incoming, source());
}

/** The layer, on the runtime that `source` gives. */
export function makeLinear(source: RuntimeSource): Linear {
  const linear = (features: unknown, parameters: unknown, options?: unknown) => {
    try {
      return forwardOf(features, parameters, options, source);
    } catch (error) {
      trim(error, linear);
      throw error;
    }
  };
  const backward = (gradOutput: unknown, features: unknown, parameters: unknown, options?: unknown) => {
    try {
      return backwardOf(gradOutput, features, parameters, options, source);
    } catch (error) {
      trim(error, backward);
      throw error;
    }
  };
  // which gradients there are follows from the options, which the shared code above cannot follow
  return Object.freeze(Object.assign(linear, { backward })) as unknown as Linear;
}
