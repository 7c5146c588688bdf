// Engines: a module instance with memory of its own, tensors that live in that memory, and every loss over them.

import { makeActivation, makeLoss } from './core.ts';
import { readNumber } from './options.ts';
import { Runtime } from './runtime.ts';
import { Source } from './source.ts';
import {
  ACTIVATIONS,
  type ActivationName,
  type ActivationOptions,
  LOSSES,
  type LossExtra,
  type LossName,
  type LossOptions,
} from './table.ts';
import { describe, isFloat, isTyped, readOperand, show, sizeOf } from './tensor.ts';
import type { Activation, Engine, EngineOptions, EngineTensor, Loss, NumericArray, TensorInput } from './types.ts';

type DataOf = { float32: Float32Array; int32: Int32Array };
type Dtype = keyof DataOf;

/** A block of memory that tensors and their slices share, given back when the tensor that owns it is freed. */
interface Storage {
  readonly runtime: Runtime;
  readonly address: number;
  readonly bytes: number;
  freed: boolean;
}

class MemoryTensor<T extends Dtype> implements EngineTensor<DataOf[T]> {
  readonly shape: readonly number[];
  readonly dtype: T;
  readonly #storage: Storage;
  readonly #offset: number;
  readonly #size: number;
  readonly #owns: boolean;
  #freed = false;
  #view: DataOf[T] | undefined;

  constructor(storage: Storage, dtype: T, shape: readonly number[], offset: number, owns: boolean) {
    this.#storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.#offset = offset;
    this.#size = sizeOf(shape);
    this.#owns = owns;
    if (owns) liveTensors.set(storage.runtime, liveCount(storage.runtime) + 1);
  }

  #check(): void {
    const { runtime, freed } = this.#storage;
    if (this.#freed || freed) throw new TypeError(`lossmith: use of the tensor ${show(this.shape)} after it was freed`);
    runtime.check();
  }

  get data(): DataOf[T] {
    this.#check();
    const { memory } = this.#storage.runtime;
    // growth detaches views, which are then empty
    if (this.#view === undefined || this.#view.length !== this.#size) {
      const view = memory.view(this.dtype, this.#storage.address + 4 * this.#offset, this.#size);
      this.#view = view as DataOf[T]; // dtype, which T is, chose the kind
    }
    return this.#view as DataOf[T];
  }

  slice(start: number, end?: number): MemoryTensor<T> {
    this.#check();
    const [size, ...rest] = this.shape;
    if (size === undefined) throw new RangeError('slice: a tensor without axes cannot be sliced');
    const from = bound(start, size, 0, 'start');
    const to = Math.max(from, bound(end, size, size, 'end'));
    const row = sizeOf(rest);
    return new MemoryTensor(this.#storage, this.dtype, [to - from, ...rest], this.#offset + from * row, false);
  }

  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#view = undefined;
    const storage = this.#storage;
    if (!this.#owns) return;
    liveTensors.set(storage.runtime, liveCount(storage.runtime) - 1);
    storage.freed = true;
    if (!storage.runtime.disposed) storage.runtime.memory.release(storage.address, storage.bytes);
  }

  [Symbol.dispose](): void {
    this.free();
  }
}

/** An index along an axis as Array.prototype.slice takes it. */
function bound(value: number | undefined, size: number, missing: number, name: string): number {
  if (value === undefined) return missing;
  const index = readNumber(value, 'integer', `slice: ${name}`);
  return Math.min(size, Math.max(0, index < 0 ? index + size : index));
}

/** Tensors not yet freed, slices left out, by runtime. */
const liveTensors = new WeakMap<Runtime, number>();
const liveCount = (runtime: Runtime): number => liveTensors.get(runtime) ?? 0;

function place<T extends Dtype>(runtime: Runtime, dtype: T, shape: readonly number[]): MemoryTensor<T> {
  runtime.check();
  const bytes = 4 * sizeOf(shape);
  const address = runtime.memory.allocate(bytes);
  return new MemoryTensor({ runtime, address, bytes, freed: false }, dtype, shape, 0, true);
}

function readShape(shape: unknown): readonly number[] {
  if (!Array.isArray(shape)) throw new TypeError(`tensor: shape is ${describe(shape)}, expected an array of sizes`);
  for (const size of shape as unknown[]) {
    if (typeof size !== 'number') throw new TypeError(`tensor: shape holds ${describe(size)}, expected sizes`);
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new RangeError(
        `tensor: shape is ${show(shape as number[])}, expected sizes that are integers of 0 or more`,
      );
    }
  }
  return [...(shape as number[])];
}

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
  const count = readNumber(threads, 'integer', 'createEngine: threads');
  if (count !== 1) {
    throw new RangeError(
      `createEngine: threads is ${count}, expected 1 (more than one needs the entry lossmith/threads)`,
    );
  }
  if (maximumBytes !== undefined && !(readNumber(maximumBytes, 'integer', 'createEngine: maximumBytes') > 0)) {
    throw new RangeError(`createEngine: maximumBytes is ${maximumBytes}, expected an integer above 0`);
  }
  if (module !== undefined && !(module instanceof WebAssembly.Module)) {
    throw new TypeError(`createEngine: module is ${describe(module)}, expected a WebAssembly.Module`);
  }
  return { tier: deterministic ? ('simd' as const) : tier, deterministic, maximumBytes, module };
}

type Losses = { [N in LossName]: Loss<LossOptions<N>, LossExtra<N>> };
type Activations = { [N in ActivationName]: Activation<ActivationOptions<N>> };

/** Makes an engine on a runtime. */
export function engineOf(runtime: Runtime): Engine & Losses & Activations {
  const source = (): Runtime => {
    runtime.check();
    return runtime;
  };
  const operations: Record<string, unknown> = {};
  for (const name of Object.keys(LOSSES) as LossName[]) operations[name] = makeLoss(name, source);
  for (const name of Object.keys(ACTIVATIONS) as ActivationName[]) operations[name] = makeActivation(name, source);
  const tensor = (shape: readonly number[], dtype: Dtype = 'float32') => {
    if (dtype !== 'float32' && dtype !== 'int32') {
      throw new RangeError(`tensor: dtype is ${describe(dtype)}, expected 'float32' or 'int32'`);
    }
    const made = place(runtime, dtype, readShape(shape));
    made.data.fill(0);
    return made;
  };
  const from = (value: TensorInput, shape?: readonly number[]) => {
    const operand = readOperand(value, 'from: source');
    const own = shape === undefined ? (operand.shape ?? [operand.data.length]) : readShape(shape);
    if (sizeOf(own) !== operand.data.length) {
      throw new RangeError(
        `from: source has ${operand.data.length} values, but its shape ${show(own)} needs ${sizeOf(own)}`,
      );
    }
    const given = new Source(operand);
    given.address(runtime.memory, Float32Array);
    const made = place(runtime, isInteger(value, operand.data) ? 'int32' : 'float32', own);
    const data = given.live(runtime.memory); // memory may have grown under it
    if (made.dtype === 'int32') for (let i = 0; i < data.length; i++) made.data[i] = int32(Number(data[i]), i);
    else made.data.set(data as Float32Array);
    return made;
  };
  const engine = {
    ...operations,
    tensor,
    from,
    tier: runtime.tier,
    threads: 1,
    ready: Promise.resolve(),
    get memory() {
      return source().kernels.memory;
    },
    stats: () => {
      const { bytesReserved, bytesInUse } = source().memory;
      return { bytesReserved, bytesInUse, liveTensors: liveCount(runtime) };
    },
    dispose: () => {
      runtime.disposed = true;
    },
    [Symbol.dispose]: () => {
      runtime.disposed = true;
    },
  };
  // the operations were made from the table, name by name
  return Object.freeze(engine) as unknown as Engine & Losses & Activations;
}

function int32(value: number, i: number): number {
  if (value === (value | 0)) return value;
  throw new RangeError(`from: source[${i}] is ${value}, outside int32`);
}

/** Integer typed arrays become int32 tensors; everything else float32. */
function isInteger(value: TensorInput, data: NumericArray): boolean {
  if (isTyped(value)) return !isFloat(data);
  return typeof value === 'object' && 'data' in value && isTyped(value.data) && !isFloat(data);
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
export function createEngine(options: EngineOptions = {}): Engine & Losses & Activations {
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
}
