// Engines: a module instance with memory of its own, tensors that live in that memory, and every loss over them.

import { readOperand, readShape } from '../arguments/operand.ts';
import { VERSION } from '../generated/version.ts';
import * as activations from '../losses/activations.ts';
import * as losses from '../losses/index.ts';
import { Runtime, type RuntimeOptions, type Team } from '../machine/runtime.ts';
import { type Dtype, MemoryTensor } from '../machine/tensor.ts';
import { describe, isFloat, show, sizeOf } from '../values/array.ts';
import { guard } from '../values/guard.ts';
import { INTEGER, readNumber } from '../values/number.ts';
import type {
  EngineBase,
  EngineOptions,
  EngineTensor,
  NumericArray,
  PlacedData,
  TensorInput,
} from '../values/types.ts';
import { Place } from '../work/place.ts';
import { makeLinear } from './linear.ts';
import { makeActivation, makeLoss } from './loss.ts';
import { makeUncertainty } from './uncertainty.ts';

/** Where an engine of any copy of this version keeps its runtime. */
const RUNTIME = Symbol.for(`lossmith ${VERSION} runtime`);

/** The runtime of an engine; undefined for anything else. */
export const runtimeOfEngine = (engine: unknown): Runtime | undefined =>
  typeof engine === 'object' && engine !== null ? (engine as { [RUNTIME]?: Runtime })[RUNTIME] : undefined;

const OPTIONS = ['tier', 'deterministic', 'threads', 'maximumBytes', 'module'];

/** Checks the options of createEngine; `most` threads. */
function readOptions(options: EngineOptions, most: number) {
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
  if (count < 1 || count > most) {
    const expected = most > 1 ? `1 to ${most}` : '1 (more than one needs the entry lossmith/threads)';
    throw new RangeError(`createEngine: threads is ${count}, expected ${expected}`);
  }
  const limit =
    maximumBytes === undefined ? undefined : readNumber(maximumBytes, 'createEngine: maximumBytes', INTEGER);
  if (limit !== undefined && limit <= 0) {
    throw new RangeError(`createEngine: maximumBytes is ${limit}, expected an integer above 0`);
  }
  if (module !== undefined && !(module instanceof WebAssembly.Module)) {
    throw new TypeError(`createEngine: module is ${describe(module)}, expected a WebAssembly.Module`);
  }
  return { tier: deterministic ? ('simd' as const) : tier, deterministic, threads: count, maximumBytes: limit, module };
}

/** Makes an engine on a runtime: what an engine has, and every operation by its name. */
export function engineOf(runtime: Runtime): EngineBase {
  const source = (): Runtime => {
    runtime.check();
    return runtime;
  };
  const operations: Record<string, unknown> = {
    uncertaintyWeighted: makeUncertainty(source),
    linear: makeLinear(source),
  };
  for (const record of Object.values(losses)) operations[record.name] = makeLoss(record, source);
  for (const record of Object.values(activations)) operations[record.name] = makeActivation(record, source);
  const dispose = (): void => {
    runtime.disposed = true;
    runtime.team?.dispose();
  };
  const engine = {
    ...operations,
    [RUNTIME]: runtime,
    tensor: guard((shape: readonly number[], dtype: Dtype = 'float32') => {
      if (dtype !== 'float32' && dtype !== 'int32') {
        throw new RangeError(`tensor: dtype is ${describe(dtype)}, expected 'float32' or 'int32'`);
      }
      const made = MemoryTensor.allocate(source(), dtype, [...readShape(shape, 'tensor', undefined, 'tensor: shape')]);
      made.data.fill(0);
      return made;
    }),
    from: guard(<S extends TensorInput>(value: S, shape?: readonly number[]) => copyIn(source(), value, shape)),
    tier: runtime.tier,
    get threads() {
      return runtime.team?.threads ?? 1;
    },
    get ready() {
      return runtime.team?.ready ?? Promise.resolve();
    },
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
  // the overloads of `tensor` and `from` tie types to arguments, which the code above cannot follow
  return Object.freeze(engine) as unknown as EngineBase;
}

/** A copy of an operand in an engine's memory: int32 of integer typed arrays, float32 of everything else. */
function copyIn<S extends TensorInput>(
  runtime: Runtime,
  value: S,
  shape?: readonly number[],
): EngineTensor<PlacedData<S>> {
  const operand = readOperand(value, 'from: source');
  const own = shape === undefined ? (operand.shape ?? [operand.length]) : readShape(shape, 'from: source');
  if (sizeOf(own) !== operand.length) {
    throw new RangeError(`from: source has ${operand.length} values, but its shape ${show(own)} needs ${sizeOf(own)}`);
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

/** What an engine of several threads is made of; undefined where there are none. */
export type Crew = (
  asked: ReturnType<typeof readOptions>,
) => (Pick<RuntimeOptions, 'module' | 'imports'> & { readonly team: (runtime: Runtime) => Team }) | undefined;

/** An engine of its own; `threads`: the most there may be, and how they are made. */
export function makeEngine(options: EngineOptions, threads?: { most: number; crew: Crew }): EngineBase {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`createEngine: options is ${describe(options)}, expected an object`);
  }
  const asked = readOptions(options, threads?.most ?? 1);
  const crew = threads?.crew(asked);
  const runtime = new Runtime({ ...asked, ...crew });
  const { bytesReserved } = runtime.memory;
  if (asked.maximumBytes !== undefined && bytesReserved > asked.maximumBytes) {
    throw new RangeError(`createEngine: maximumBytes is ${asked.maximumBytes}, expected at least ${bytesReserved}`);
  }
  if (asked.deterministic && runtime.tier !== 'simd') {
    throw new RangeError(`createEngine: deterministic needs the simd tier, but this runtime has '${runtime.tier}'`);
  }
  runtime.team = crew?.team(runtime);
  return engineOf(runtime);
}
