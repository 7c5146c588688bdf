import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { reference, tensor64 } from '../test/reference/index.ts';
import { type Case, type Inputs, makeInputs, sampleShape } from './cases.ts';
import type { Answer, Request } from './child.ts';
import type { Contender } from './contenders.ts';

/** What one contender showed on one workload. */
export interface Outcome {
  readonly contender: string;
  /** Median microseconds per call: over samples in a round, then over rounds. */
  readonly microseconds: number;
  readonly nanosecondsPerElement: number;
  /** How often the first contender fits into this one: median of the rounds' quotients. */
  readonly ratio: number;
  /** Relative error of the loss against float64; NaN for activations. */
  readonly lossError: number;
  /** Largest error of a gradient element, relative to the largest gradient element. */
  readonly gradientError: number;
}

export interface Effort {
  readonly rounds: number;
  /** Milliseconds per contender, workload and round. */
  readonly time: number;
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};

interface Truth {
  readonly loss: number;
  readonly gradient: Float64Array;
}

function truthOf(item: Case, inputs: Inputs): Truth {
  const input = tensor64(inputs.input, item.shape);
  const indices = inputs.indices && tensor64(inputs.indices, sampleShape(item.shape));
  const target = indices ?? (inputs.values && tensor64(inputs.values, item.shape));
  const { loss, grad } = reference(item.operation, { input, target }, item.options);
  if (item.target === 'none') return { loss: Number.NaN, gradient: loss.data };
  return { loss: loss.data[0]!, gradient: grad.data };
}

/** Errors of a contender's results against the float64 reference. */
function errorsOf(item: Case, inputs: Inputs, truth: Truth, contender: Contender) {
  const trial = contender.prepare(item, inputs);
  const loss = trial.run();
  const gradient = trial.gradient();
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < truth.gradient.length; i++) {
    const error = Math.abs(gradient[i]! - truth.gradient[i]!);
    largest = Math.max(largest, Math.abs(truth.gradient[i]!));
    worst = Math.max(worst, error);
  }
  return { lossError: Math.abs(loss - truth.loss) / Math.abs(truth.loss), gradientError: worst / largest };
}

function ask(child: ChildProcess, request: Request): Promise<number> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a measuring process ended with code ${code}`));
    child.once('exit', ended);
    child.once('message', (answer: Answer) => {
      child.off('exit', ended);
      resolve(answer.milliseconds);
    });
    child.send(request);
  });
}

/**
 * Measures workloads, each contender in a process of its own that runs nothing else: neither the state of the just-in-time
 * compiler nor that of the processor's vector registers is then another contender's doing. (On some processors one use of
 * the host's vectorised base64 or UTF-8 code halves the speed of Math.exp for as long as the process lives.)
 */
export class Laboratory {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lossmith-bench-'));
  readonly #program = join(this.#folder, 'child.mjs');

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

  /** Removes its files. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Runs one workload in rounds that start with another contender each time, so that noise hits all alike. */
  async measure(item: Case, contenders: readonly Contender[], effort: Effort): Promise<Outcome[]> {
    const inputs = makeInputs(item);
    const truth = truthOf(item, inputs);
    const errors = contenders.map((contender) => errorsOf(item, inputs, truth, contender));
    const children = contenders.map(() => fork(this.#program, { execArgv: [] }));
    try {
      for (const [which, contender] of contenders.entries()) {
        const request = { workload: item.name, contender: contender.name, time: effort.time };
        await ask(children[which]!, { ...request, kind: 'prepare' });
      }
      const times: number[][] = contenders.map(() => []);
      for (let round = 0; round < effort.rounds; round++) {
        for (let turn = 0; turn < children.length; turn++) {
          const which = (round + turn) % children.length;
          times[which]!.push(await ask(children[which]!, { kind: 'round', time: effort.time }));
        }
      }
      return contenders.map((contender, which) => {
        const milliseconds = median(times[which]!);
        return {
          contender: contender.name,
          microseconds: milliseconds * 1e3,
          nanosecondsPerElement: (milliseconds * 1e6) / inputs.input.length,
          ratio: median(times[which]!.map((value, round) => value / times[0]![round]!)),
          ...errors[which]!,
        };
      });
    } finally {
      for (const child of children) if (child.connected) child.disconnect();
    }
  }
}
