/**
 * What every runtime runs: golden cases by the rule of golden/README.md, and the hashes of deterministic results. Imports
 * nothing of a host or of the test runner; bundle.ts makes one file of it, with the golden cases in it.
 */
import type * as lossmith from '../../src/index.ts';
import type { Tier } from '../../src/values/types.ts';
import { asTensor, callOn, type FormName, type ForwardResult, float32, gradientsOf, libraryOf } from '../calls.ts';
import { isActivationName } from '../reference/index.ts';
import {
  boundsOf,
  decodeGolden,
  type GoldenCase,
  inputOf,
  mismatch,
  operationOf,
  problemOf,
  subgradientLimits,
} from '../rule.ts';
import { activationOf, hashes } from '../tiers.ts';

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

type Functions = Parameters<typeof hashes>[0];

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

/** What is wrong with one golden case. */
function wrong(functions: Functions, golden: GoldenCase): (string | undefined)[] {
  const { expected, inputs } = golden;
  const bounds = boundsOf(golden);
  const op = operationOf(golden);
  if (isActivationName(op)) {
    const activation = activationOf(functions, op);
    const { gradOutput } = inputs;
    if (gradOutput === undefined) throw new Error('has no gradOutput');
    const { dim } = golden.options;
    const axis = dim === undefined ? {} : { axis: dim };
    const input = float32(inputOf(golden));
    return [
      mismatch('output', activation(input, axis), expected.loss, bounds.loss),
      mismatch('grad', activation.backward(float32(gradOutput), input, axis), expected.grad, bounds.grad),
    ];
  }
  const call = callOn(libraryOf(functions), op as FormName, problemOf(golden));
  const { loss, input, target, options, gradOutput } = call;
  const losses = (form: string, result: ForwardResult): (string | undefined)[] => [
    mismatch(form, asTensor(result.loss), expected.loss, bounds.loss),
    expected.componentLosses &&
      mismatch(`${form} parts`, result.componentLosses!, expected.componentLosses, bounds.componentLosses),
  ];
  const { grad, grads } = gradientsOf(loss.backward(gradOutput, input, target, options));
  return [
    ...losses('forward', loss.forward(input, target, options)),
    ...losses('fused', loss(input, target, options)),
    mismatch('backward', grad, expected.grad, bounds.grad, subgradientLimits(golden)),
    ...Object.entries(expected.grads ?? {}).map(([name, truth]) =>
      mismatch(`backward ${name}`, grads[name]!, truth, bounds.grads[name]!),
    ),
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
  const cases = golden.flatMap((text) => decodeGolden(text));
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
