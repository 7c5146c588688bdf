// Engines: a module instance with memory of its own, tensors that live in that memory, and every loss over them.

import { readOperand, readShape } from '../arguments/operand.ts';
import * as activations from '../losses/activations.ts';
import * as losses from '../losses/index.ts';
import { Runtime } from '../machine/runtime.ts';
import { type Dtype, MemoryTensor } from '../machine/tensor.ts';
import { describe, isFloat, show, sizeOf } from '../values/array.ts';
import { guard } from '../values/guard.ts';
import { INTEGER, readNumber } from '../values/number.ts';
import type { Engine, EngineOptions, EngineTensor, NumericArray, PlacedData, TensorInput } from '../values/types.ts';
import { Place } from '../work/place.ts';
import { type ActivationOf, type LossOf, makeActivation, makeLoss } from './loss.ts';

/** Every loss. */
export type Losses = { readonly [N in keyof typeof losses]: LossOf<(typeof losses)[N]> };
/** Every activation. */
export type Activations = { readonly [N in keyof typeof activations]: ActivationOf<(typeof activations)[N]> };

/** A size. */
const ABOVE_0 = { takes: 'an integer above 0', test: (value: number) => Number.isInteger(value) && value > 0 };

const OPTIONS = ['tier', 'deterministic', 'threads', 'maximumBytes', 'module'];

function readOptions(options: EngineOptions) {
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || OPTIONS.includes(key)) continue;
    throw new TypeError(`createEngine: unknown option ${JSON.stringify(key)}, expected one of ${OPTIONS.join(', ')}`);
  }
  const { tier = 'auto', deterministic = false, threads = 1, maximumBytes, module } = options;
  const tiers = ['auto', 'scalar', 'simd', 'relaxed'];
  if (typeof tier !== 'string') throw new TypeError(`createEngine: tier is ${describe(tier)}, expected a string`);
  if (!tiers.includes(tier)) {
    throw new RangeError(`createEngine: tier is ${describe(tier)}, expected one of ${tiers.join(', ')}`);
  }
  if (typeof deterministic !== 'boolean') {
    throw new TypeError(`createEngine: deterministic is ${describe(deterministic)}, expected a boolean`);
  }
  if (deterministic && tier !== 'auto' && tier !== 'simd') {
    throw new RangeError(`createEngine: tier is '${tier}' with deterministic: true, expected 'simd' or 'auto'`);
  }
  const count = readNumber(threads, 'createEngine: threads', INTEGER);
  if (count !== 1) {
    throw new RangeError(
      `createEngine: threads is ${count}, expected 1 (more than one needs the entry lossmith/threads)`,
    );
  }
  const most = maximumBytes === undefined ? undefined : readNumber(maximumBytes, 'createEngine: maximumBytes', ABOVE_0);
  if (module !== undefined && !(module instanceof WebAssembly.Module)) {
    throw new TypeError(`createEngine: module is ${describe(module)}, expected a WebAssembly.Module`);
  }
  return { tier: deterministic ? ('simd' as const) : tier, deterministic, maximumBytes: most, module };
}

/** An engine with everything that it computes. */
export type FullEngine = Engine & Losses & Activations;

/** Makes an engine on a runtime. */
export function engineOf(runtime: Runtime): FullEngine {
  const source = (): Runtime => {
    runtime.check();
    return runtime;
  };
  const operations: Record<string, unknown> = {};
  for (const record of Object.values(losses)) operations[record.name] = makeLoss(record, source);
  for (const record of Object.values(activations)) operations[record.name] = makeActivation(record, source);
  const dispose = (): void => {
    runtime.disposed = true;
  };
  const engine = {
    ...operations,
    tensor: guard((shape: readonly number[], dtype: Dtype = 'float32') => {
      if (dtype !== 'float32' && dtype !== 'int32') {
        throw new RangeError(`tensor: dtype is ${describe(dtype)}, expected 'float32' or 'int32'`);
      }
      const made = MemoryTensor.allocate(source(), dtype, [...readShape(shape, 'tensor')]);
      made.data.fill(0);
      return made;
    }),
    from: guard(<S extends TensorInput>(value: S, shape?: readonly number[]) => copyIn(source(), value, shape)),
    tier: runtime.tier,
    threads: 1,
    ready: Promise.resolve(),
    get memory() {
      return source().kernels.memory;
    },
    stats: guard(() => {
      const { bytesReserved, bytesInUse } = source().memory;
      return { bytesReserved, bytesInUse, liveTensors: runtime.tensors };
    }),
    dispose,
    [Symbol.dispose]: dispose,
  };
  // the operations were made from the table, name by name
  return Object.freeze(engine) as unknown as FullEngine;
}

/** A copy of an operand in an engine's memory: int32 of integer typed arrays, float32 of everything else. */
function copyIn<S extends TensorInput>(runtime: Runtime, value: S, shape?: readonly number[]): EngineTensor<PlacedData<S>> {
  const operand = readOperand(value, 'from: source');
  const own = shape === undefined ? (operand.shape ?? [operand.length]) : readShape(shape, 'from: source');
  if (sizeOf(own) !== operand.length) {
    throw new RangeError(
      `from: source has ${operand.length} values, but its shape ${show(own)} needs ${sizeOf(own)}`,
    );
  }
  const { typed, data } = operand;
  const integers = typed !== undefined && !isFloat(typed) && !operand.decoded;
  if (integers) checkInt32(data);
  const place = new Place(operand, Float32Array, runtime);
  const made = MemoryTensor.allocate(runtime, integers ? 'int32' : 'float32', [...own]);
  made.data.set(place.values as Float32Array); // memory may have grown under it
  return made as unknown as EngineTensor<PlacedData<S>>;
}

function checkInt32(data: NumericArray): void {
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (value !== (value | 0)) throw new RangeError(`from: source[${i}] is ${value}, outside int32`);
  }
}

/**
 * Makes an engine: an own instance of the module with its own memory, and every loss and activation over it.
 *
 * @param options - `tier` ('auto'), `deterministic` (false: true pins 'simd', whose results are the same bits everywhere),
 * `maximumBytes` (4 GiB), `module` (a precompiled WebAssembly.Module), `threads` (1).
 * @returns The engine, synchronously.
 * @throws RangeError for values out of range and for `deterministic` without SIMD; TypeError for the wrong kind.
 * @example
 * import { createEngine } from 'lossmith';
 * const engine = createEngine({ deterministic: true });
 * const logits = engine.from([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]]);
 * engine.crossEntropy(logits, [0, 2]).loss; // => 0.136618
 * engine.dispose();
 */
export const createEngine: (options?: EngineOptions) => FullEngine = /* @__PURE__ */ guard((options: EngineOptions = {}) => {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`createEngine: options is ${describe(options)}, expected an object`);
  }
  const asked = readOptions(options);
  const runtime = new Runtime(asked);
  const { bytesReserved } = runtime.memory;
  if (asked.maximumBytes !== undefined && bytesReserved > asked.maximumBytes) {
    throw new RangeError(`createEngine: maximumBytes is ${asked.maximumBytes}, expected at least ${bytesReserved}`);
  }
  if (asked.deterministic && runtime.tier !== 'simd') {
    throw new RangeError(`createEngine: deterministic needs the simd tier, but this runtime has '${runtime.tier}'`);
  }
  return engineOf(runtime);
});
