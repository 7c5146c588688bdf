// The default entry: the losses and activations on one engine, made at the first call.

import { makeActivation, makeLoss } from './core.ts';
import { Runtime } from './runtime.ts';

let shared: Runtime | undefined;
const runtime = (): Runtime => {
  shared ??= new Runtime();
  return shared;
};

export { tensor } from './tensor.ts';
export const crossEntropy = /* @__PURE__ */ makeLoss('crossEntropy', runtime);
export const bceWithLogits = /* @__PURE__ */ makeLoss('bceWithLogits', runtime);
export const mse = /* @__PURE__ */ makeLoss('mse', runtime);
export const componentCrossEntropy = /* @__PURE__ */ makeLoss('componentCrossEntropy', runtime);
export const softmax = /* @__PURE__ */ makeActivation('softmax', runtime);
export const logSoftmax = /* @__PURE__ */ makeActivation('logSoftmax', runtime);
export const sigmoid = /* @__PURE__ */ makeActivation('sigmoid', runtime);
export const logSigmoid = /* @__PURE__ */ makeActivation('logSigmoid', runtime);
export type * from './types.ts';
