/**
 * What every runtime runs: golden cases by the rule of golden/README.md, and the hashes of deterministic results. Imports
 * nothing of a host or of the test runner; bundle.ts makes one file of it, with the golden cases in it.
 */
import type * as lossmith from '../../src/index.ts';
import type { Tensor, Tier } from '../../src/values/types.ts';
import { boundsOf, decodeGolden, type GoldenCase, type GoldenTensor, inputOf, libraryOps, mismatch } from '../rule.ts';
import { type ActivationName, activationNames, activationOf, hashes, type LossName, lossOf } from '../tiers.ts';

/** What the probe found, as JSON can hold it. */
export interface Report {
  /** The runtime with its version, or a browser's user agent. */
  readonly runtime: string;
  /** The tier that `auto` chose. */
  readonly tier: Tier;
  /** How many golden cases ran on that tier. */
  readonly cases: number;
  /** What was wrong, one line each. */
  readonly failures: readonly string[];
  /** Hashes of the results of `deterministic: true`, by case. */
  readonly hashes: Readonly<Record<string, string>>;
}

type Functions = Pick<typeof lossmith, LossName | ActivationName>;

/** Names the runtime by what it alone has; Deno and Bun have Node's `process` too, so they are asked first. */
export function runtimeName(): string {
  const host = globalThis as {
    Bun?: { version: string };
    Deno?: { version: { deno: string } };
    navigator?: { userAgent?: string };
    process?: { versions?: { node?: string } };
  };
  if (host.Bun) return `Bun ${host.Bun.version}`;
  if (host.Deno) return `Deno ${host.Deno.version.deno}`;
  const agent = host.navigator?.userAgent;
  if (agent === 'Cloudflare-Workers') return agent;
  const node = host.process?.versions?.node;
  return node === undefined ? (agent ?? 'unknown') : `Node ${node}`;
}

const float32 = ({ data, shape }: GoldenTensor): Tensor => ({ data: Float32Array.from(data), shape });
const optional = (tensor: GoldenTensor | undefined): Tensor | undefined => tensor && float32(tensor);
const asTensor = (loss: number | Tensor): { data: ArrayLike<number>; shape: readonly number[] } =>
  typeof loss === 'number' ? { data: [loss], shape: [] } : loss;

/** What is wrong with one golden case. */
function wrong(functions: Functions, golden: GoldenCase): (string | undefined)[] {
  const { expected, inputs } = golden;
  const { target, gradOutput } = inputs;
  const { dim, ...settings } = golden.options;
  const bounds = boundsOf(golden);
  const input = float32(inputOf(golden));
  const upstream = optional(gradOutput);
  const axis = dim === undefined ? {} : { axis: dim };
  const op = libraryOps.get(golden.op);
  if ((activationNames as readonly (string | undefined)[]).includes(op)) {
    const activation = activationOf(functions, op as ActivationName);
    if (upstream === undefined) throw new Error('has no gradOutput');
    return [
      mismatch('output', activation(input, axis), expected.loss, bounds.loss),
      mismatch('grad', activation.backward(upstream, input, axis), expected.grad, bounds.grad),
    ];
  }
  if (target === undefined) throw new Error('has no target');
  const loss = lossOf(functions, op as LossName);
  const indices = target.shape.length < input.shape.length;
  const y = indices ? { data: Int32Array.from(target.data), shape: target.shape } : float32(target);
  const options = { ...settings, ...axis, weight: optional(inputs.weight), posWeight: optional(inputs.posWeight) };
  const forward = loss.forward(input, y, options);
  const fused = loss(input, y, options);
  const { grad } = loss.backward(upstream ?? 1, input, y, options);
  const parts = (result: { componentLosses?: Tensor }): string | undefined => {
    if (expected.componentLosses === undefined) return undefined;
    if (result.componentLosses === undefined) return 'componentLosses are missing';
    return mismatch('componentLosses', result.componentLosses, expected.componentLosses, bounds.componentLosses);
  };
  return [
    mismatch('forward', asTensor(forward.loss), expected.loss, bounds.loss),
    parts(forward),
    mismatch('fused', asTensor(fused.loss), expected.loss, bounds.loss),
    parts(fused),
    // the fused form has the upstream gradient 1
    gradOutput === undefined ? mismatch('fused grad', fused.grad, expected.grad, bounds.grad) : undefined,
    mismatch('backward', grad, expected.grad, bounds.grad),
  ];
}

/**
 * Runs the package as this runtime loaded it. An exception becomes a failure, so that there is always a report.
 * `golden` holds the texts of golden files.
 */
export function probe(library: typeof lossmith, golden: readonly string[]): Report {
  const failures: string[] = [];
  const attempt = <T>(what: string, run: () => T, otherwise: T): T => {
    try {
      return run();
    } catch (error) {
      failures.push(`${what}: ${error}`);
      return otherwise;
    }
  };
  const cases = golden.flatMap((text) => decodeGolden(text)).filter(({ op }) => libraryOps.has(op));
  const check = (tier: string, functions: Functions): void => {
    for (const each of cases) {
      const what = `${tier} ${each.id}`;
      const messages = attempt(what, () => wrong(functions, each), []);
      failures.push(...messages.filter((message) => message !== undefined).map((message) => `${what}: ${message}`));
    }
  };
  const tier = attempt('defaultEngine', () => library.defaultEngine().tier, 'scalar');
  check(tier, library);
  const simd = attempt('createEngine', () => library.createEngine({ deterministic: true }), undefined);
  if (simd) check('deterministic', simd);
  const scalar = attempt('createEngine', () => library.createEngine({ tier: 'scalar' }), undefined);
  if (scalar) check('scalar', scalar);
  return {
    runtime: runtimeName(),
    tier,
    cases: cases.length,
    failures,
    hashes: simd ? attempt('hashes', () => hashes(simd), {}) : {},
  };
}
