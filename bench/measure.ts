import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { isLossName, type Problem, reference, references } from '../test/reference/index.ts';
import { type Case, problemOf } from './cases.ts';
import type { Contender, Gradients } from './contenders.ts';
import { median } from './median.ts';
import { compileNative, isNative, native, openNative } from './native.ts';
import { openStation, type Station } from './station.ts';

/** How far a contender's results are from the float64 reference. */
export interface Errors {
  /** Relative error of the loss; NaN for activations. */
  readonly loss: number;
  /** Largest error of a gradient element, relative to the largest element of that gradient. */
  readonly gradient: number;
}

/** What one contender showed on one workload. */
export interface Outcome {
  readonly contender: string;
  readonly errors: Errors;
  /** Median milliseconds per call in each round; none if nothing was timed. */
  readonly rounds: readonly number[];
}

export interface Effort {
  readonly rounds: number;
  /** Milliseconds per contender, workload and round. */
  readonly time: number;
  /** The contenders that are timed, if not all are. */
  readonly columns?: readonly string[];
}

/** How many times faster one is than the other: median of the rounds' quotients. */
export const speedup = (fast: Outcome, slow: Outcome): number =>
  median(fast.rounds.map((time, round) => slow.rounds[round]! / time));

/** What is right. */
interface Truth {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Float64Array>>;
  /** 1 where an element of the input's gradient may as well be another one. */
  readonly open: Uint8Array | undefined;
}

function truthOf({ operation }: Case, { inputs, options }: Problem): Truth {
  const { loss, grad, grads = {} } = reference(operation, inputs, options);
  if (!isLossName(operation)) return { loss: Number.NaN, gradients: { input: loss.data }, open: undefined };
  const others = Object.entries(grads).map(([name, { data }]) => [name, data]);
  return {
    loss: loss.data[0]!,
    gradients: { ...Object.fromEntries(others), input: grad.data },
    open: references[operation].kinks({ inputs, options }).grad,
  };
}

function gradientError(
  found: ArrayLike<number> | undefined,
  right: Float64Array,
  open: Uint8Array | undefined,
): number {
  if (found?.length !== right.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < right.length; i++) {
    largest = Math.max(largest, Math.abs(right[i]!));
    if (!open?.[i]) worst = Math.max(worst, Math.abs(found[i]! - right[i]!));
  }
  return worst / largest;
}

function errorsOf(loss: number, gradients: Gradients, truth: Truth): Errors {
  const each = Object.entries(truth.gradients).map(([name, right]) =>
    gradientError(gradients[name], right, name === 'input' ? truth.open : undefined),
  );
  return { loss: Math.abs(loss - truth.loss) / Math.abs(truth.loss), gradient: Math.max(...each) };
}

function errorsOfContender(contender: Contender, item: Case, problem: Problem, truth: Truth): Errors {
  const trial = contender.prepare(item.operation, problem);
  const loss = trial.run();
  return errorsOf(loss, trial.gradients(), truth);
}

/**
 * Measures workloads, each contender in a process of its own that runs nothing else: neither the state of the just-in-time
 * compiler nor that of the processor's vector registers is then another contender's doing. (On some processors one use of
 * the host's vectorised base64 or UTF-8 code halves the speed of Math.exp for as long as the process lives.)
 */
export class Laboratory {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lossmith-bench-'));
  readonly #program = join(this.#folder, 'child.mjs');
  readonly #native = compileNative(this.#folder);

  constructor() {
    buildSync({
      entryPoints: [fileURLToPath(new URL('child.ts', import.meta.url))],
      outfile: this.#program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'warning',
    });
  }

  /** Why nothing is compared with C, if so. */
  get withoutNative(): string | undefined {
    return 'reason' in this.#native ? this.#native.reason : undefined;
  }

  /** Removes its files. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * Checks all contenders on one workload and times them, unless there is no effort, in rounds that start with another contender
   * each time, so that noise hits all alike.
   */
  async measure(item: Case, contenders: readonly Contender[], effort: Effort | undefined): Promise<Outcome[]> {
    const problem = problemOf(item);
    const truth = truthOf(item, problem);
    const names = contenders.map(({ name }) => name);
    const errors = contenders.map((contender) => errorsOfContender(contender, item, problem, truth));
    // the contenders that are timed, by their place in `names`
    const stations = new Map<number, Station>();
    try {
      const columns = effort?.columns ?? names;
      if (effort) {
        for (const [which, name] of names.entries()) {
          if (columns.includes(name)) {
            stations.set(which, openStation(this.#program, item.operation, problem, name));
          }
        }
      }
      if (isNative(item.operation, problem) && 'program' in this.#native) {
        const trial = await openNative(this.#native.program, this.#folder, item.operation, problem);
        stations.set(names.length, trial.station);
        names.push(native);
        errors.push(errorsOf(trial.loss, trial.gradients, truth));
      }
      const rounds = names.map((): number[] => []);
      if (effort) {
        const timed = [...stations];
        for (const [, station] of timed) await station.prepare(effort.time);
        for (let round = 0; round < effort.rounds; round++) {
          for (let turn = 0; turn < timed.length; turn++) {
            const [which, station] = timed[(round + turn) % timed.length]!;
            rounds[which]!.push(await station.round(effort.time));
          }
        }
      }
      return names.map((contender, which) => ({ contender, errors: errors[which]!, rounds: rounds[which]! }));
    } finally {
      for (const station of stations.values()) station.close();
    }
  }
}
