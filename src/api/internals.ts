// What the other entries of this package (src/decide, src/metrics) use of the main one, so that they never contain a second
// copy of it. Bundles that import losses alone drop this object.

import { adviceOnName } from '../arguments/advice.ts';
import type { Output } from '../arguments/call.ts';
import { checkLoss } from '../arguments/check.ts';
import { checkOut, readOut } from '../arguments/common.ts';
import { fitExactly } from '../arguments/fit.ts';
import { readParameters } from '../arguments/linear.ts';
import { readOperand } from '../arguments/operand.ts';
import { isSparse, readSparse } from '../arguments/sparse.ts';
import { crossEntropy } from '../losses/classification.ts';
import type { OperationRecord } from '../losses/record.ts';
import { LADDER } from '../machine/instance.ts';
import { memoryOf } from '../machine/memory.ts';
import { bytesAt } from '../machine/memoryBytes.ts';
import { bytesOf, compile, knows, leb, moduleFrom, Reader } from '../machine/modules/further.ts';
import { FLAGS, PLAN, type Runtime } from '../machine/runtime.ts';
import { MemoryTensor } from '../machine/tensor.ts';
import { describe, isFloat, isTyped, overlap, roomFor, sameShape, show, sizeOf } from '../values/array.ts';
import { guard } from '../values/guard.ts';
import { exponential, FINITE, INTEGER, logarithm, readNumber, real } from '../values/number.ts';
import { broadcastStrides, splitAtAxis } from '../values/shape.ts';
import type { ForwardResult, Reduction, Tensor } from '../values/types.ts';
import { Place } from '../work/place.ts';
import { makeEngine, runtimeOfEngine } from './engine.ts';
import { once } from './form.ts';
import { resultsOf } from './results.ts';
import { runtime as defaultRuntime } from './shared.ts';

/** Cross entropy of class indices alone. */
const likelihood: OperationRecord = /* @__PURE__ */ Object.assign({}, crossEntropy, { target: 'indices' } as const);

/** The runtime of a call: that of option `engine`, of the first tensor that lives in an engine, or the default one's. */
function runtimeOf(name: string, engine: unknown, values: readonly unknown[]): Runtime {
  if (engine !== undefined) {
    const own = runtimeOfEngine(engine);
    if (!own) throw new TypeError(`${name}: engine is ${describe(engine)}, expected one that createEngine made`);
    own.check();
    return own;
  }
  for (const value of values) {
    const own = typeof value === 'object' && value !== null ? MemoryTensor.runtimeOf(value) : undefined;
    if (own) return own;
  }
  return defaultRuntime();
}

/** The runtime in whose memory a tensor lives; undefined for anything else. */
const residence = (value: object): Runtime | undefined => MemoryTensor.runtimeOf(value);

/** Whether an array is a view of an engine's memory, which is gone once that grows. */
const moves = (data: Float32Array): boolean => memoryOf(data) !== undefined;

/** The tensor of a result that is given; where its array is a view of an engine's memory, one of the memory as it is now. */
function receiver({ tensor, data }: Output, shape: readonly number[]): Tensor {
  if (tensor && residence(tensor)) return tensor;
  const memory = memoryOf(data);
  if (!memory) return tensor ?? { data, shape };
  const { byteOffset, length } = data;
  let view = data;
  return {
    get data() {
      if (view.length !== length) view = memory.view('float32', byteOffset, length);
      return view;
    },
    shape,
  };
}

/** The forward form of a loss on a runtime; `name` opens its messages. */
function forward<R extends Reduction>(
  name: string,
  record: OperationRecord,
  runtime: Runtime,
  input: unknown,
  target: unknown,
  options: { readonly reduction: R; readonly [option: string]: unknown },
): ForwardResult<R> {
  const work = once(checkLoss(name, record, input, target, options), runtime, { grad: false });
  return resultsOf(work, false) as ForwardResult<R>; // what a loss without gradient has
}

/** For the other entries of this package alone: it may change in any release. */
export const internals = {
  FINITE,
  FLAGS,
  INTEGER,
  LADDER,
  PLAN,
  Place,
  Reader,
  adviceOnName,
  broadcastStrides,
  bytesAt,
  bytesOf,
  checkOut,
  compile,
  describe,
  exponential,
  fitExactly,
  forward,
  guard,
  isFloat,
  isSparse,
  isTyped,
  knows,
  leb,
  likelihood,
  logarithm,
  makeEngine,
  moduleFrom,
  moves,
  overlap,
  readNumber,
  readOperand,
  readOut,
  readParameters,
  readSparse,
  real,
  receiver,
  residence,
  roomFor,
  runtimeOf,
  sameShape,
  show,
  sizeOf,
  splitAtAxis,
};
