/**
 * The public API as the fuzzer calls it. Arguments are `unknown`, so that wrong ones can be given, and every loss stands
 * behind one signature. Nothing here comes from the library's own sources: a build is judged by what its users can reach.
 */

/** A tensor that the library made. */
export interface Tensor32 {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A gradient, or one for each input by name. */
export type Gradient = Tensor32 | Readonly<Record<string, Tensor32>>;

export interface LossResult {
  readonly loss: number | Tensor32;
  readonly grad?: Gradient;
  readonly sum: number;
  readonly count: number;
  readonly weightSum: number;
  readonly zSum?: number;
  readonly componentLosses?: Tensor32;
}

export interface Step extends Omit<LossResult, 'loss'> {
  (): number | Tensor32;
  readonly grad: Gradient;
  free(): void;
}

export interface LossFunction {
  (...args: readonly unknown[]): LossResult;
  forward(...args: readonly unknown[]): LossResult;
  backward(...args: readonly unknown[]): { readonly grad: Gradient };
  prepare(...args: readonly unknown[]): Step;
}

export interface ActivationFunction {
  (...args: readonly unknown[]): Tensor32;
  backward(...args: readonly unknown[]): Tensor32;
}

export interface EngineTensor {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
  readonly dtype: string;
  slice(start: number, end?: number): EngineTensor;
  free(): void;
}

export interface Stats {
  readonly bytesReserved: number;
  readonly bytesInUse: number;
  readonly liveTensors: number;
}

/** What has the losses and activations by their names: the module, or an engine. */
export type Host = Readonly<Record<string, unknown>>;

export interface Engine extends Host {
  readonly tier: string;
  readonly memory: WebAssembly.Memory;
  tensor(shape: unknown, dtype?: unknown): EngineTensor;
  from(source: unknown, shape?: unknown): EngineTensor;
  stats(): Stats;
  dispose(): void;
}

export interface Library extends Host {
  createEngine(options?: unknown): Engine;
  defaultEngine(): Engine;
  tensor(source: unknown, shape?: unknown): Tensor32;
}

function member(host: Host, name: string): unknown {
  const found = host[name];
  if (typeof found !== 'function') throw new Error(`the library has no function ${name}`);
  return found;
}

export const lossOf = (host: Host, op: string): LossFunction => member(host, op) as LossFunction;
export const activationOf = (host: Host, op: string): ActivationFunction => member(host, op) as ActivationFunction;

/** Looks at a module as the fuzzer does; says at once where it is no build of this library. */
export function libraryOf(module: object): Library {
  for (const name of ['createEngine', 'defaultEngine', 'tensor']) member(module as Host, name);
  return module as Library;
}

export const tiers = ['module', 'scalar', 'simd', 'relaxed', 'deterministic'] as const;
/** Where a call runs: the module's own functions, or an engine of a tier. */
export type TierName = (typeof tiers)[number];

export const engineOptions = (tier: TierName): Readonly<Record<string, unknown>> =>
  tier === 'deterministic' ? { deterministic: true } : tier === 'module' ? {} : { tier };
