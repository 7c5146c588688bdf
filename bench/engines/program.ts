/**
 * What runs in every engine: one workload, each form of a call beside plain JavaScript, taking turns. It needs nothing of its
 * host but a clock.
 */
import * as lossmith from '../../src/index.ts';
import { isActivationName } from '../../test/reference/index.ts';
import { problemOf } from '../cases.ts';
import { baseline, type Contender, callTrial, fresh, inMemory, ours, stepTrial, type Trial } from '../contenders.ts';
import { median } from '../median.ts';
import { timeOf, warm } from './clock.ts';
import { workloads } from './workloads.ts';

/** The forms of a call, each with the plain JavaScript that does as much: arrays bring no room for the gradient. */
const forms: readonly { readonly name: string; readonly own: Contender; readonly plain: Contender }[] = [
  { name: 'steps', own: ours('steps', () => inMemory('auto'), stepTrial), plain: baseline },
  { name: 'tensors', own: ours('tensors', () => inMemory('auto'), callTrial), plain: baseline },
  {
    name: 'arrays',
    own: ours('arrays', () => ({ engine: lossmith, place: (it) => it, placeIndices: (it) => it }), callTrial),
    plain: fresh,
  },
];

export interface Request {
  readonly workload: string;
  readonly rounds: number;
  /** Milliseconds of a contender in a round. */
  readonly time: number;
}

/** Medians in nanoseconds per call. */
export interface Reading {
  readonly own: number;
  readonly plain: number;
  /** How many times as long as ours plain JavaScript takes: median of the rounds' quotients. */
  readonly ratio: number;
}

export interface Answer {
  readonly tier: string;
  readonly elements: number;
  readonly forms: Readonly<Record<string, Reading>>;
  /** Results that differ. */
  readonly faults: readonly string[];
}

/** Plain JavaScript errs by 1e-7, this library by as much. */
const tolerance = 2e-6;

/** The largest difference of gradients, relative to the largest element. */
function difference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let [worst, largest] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
    largest = Math.max(largest, Math.abs(b[i]!));
  }
  return worst / largest;
}

/** Whether two trials have the same results; activations have no loss. */
function agree(own: Trial, plain: Trial): boolean {
  const [a, b] = [own.run(), plain.run()];
  const same = Number.isNaN(b) || Math.abs(a - b) <= tolerance * Math.abs(b);
  return same && difference(own.gradients().input!, plain.gradients().input!) <= tolerance;
}

const WARM = 150;

/** Measures a workload. */
export function run({ workload, rounds, time }: Request): Answer {
  const item = workloads.find(({ name }) => name === workload)!;
  const problem = problemOf(item);
  // activations have no steps
  const chosen = forms.filter(({ name }) => name !== 'steps' || !isActivationName(item.operation));
  const contenders = [...new Set(chosen.flatMap(({ own, plain }) => [own, plain]))];
  const trials = new Map(contenders.map((each) => [each, each.prepare(item.operation, problem)]));
  const faults = chosen
    .filter(({ own, plain }) => !agree(trials.get(own)!, trials.get(plain)!))
    .map(({ name }) => `${workload}, ${name}: not what plain JavaScript computes`);
  // engines compile in the background: two turns, so that all had the time
  for (const { run } of trials.values()) warm(run, WARM);
  const between = new Map([...trials].map(([each, { run }]) => [each, warm(run, WARM)]));
  const times = new Map(contenders.map((each): [Contender, number[]] => [each, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const each = contenders[(round + turn) % contenders.length]!;
      times.get(each)!.push(timeOf(trials.get(each)!.run, time, between.get(each)!));
    }
  }
  const readings = chosen.map(({ name, own, plain }): [string, Reading] => {
    const [ours, theirs] = [times.get(own)!, times.get(plain)!];
    const ratio = median(ours.map((each, round) => theirs[round]! / each));
    return [name, { own: median(ours) * 1e6, plain: median(theirs) * 1e6, ratio }];
  });
  return {
    tier: lossmith.createEngine().tier,
    elements: problem.inputs.input.data.length,
    forms: Object.fromEntries(readings),
    faults,
  };
}
