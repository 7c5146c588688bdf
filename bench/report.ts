import type { Case } from './cases.ts';
import { baseline, contenders, steps } from './contenders.ts';
import { type Outcome, speedup } from './measure.ts';
import { median } from './median.ts';
import { native } from './native.ts';

/** A workload and what was measured on it. */
export interface Finding {
  readonly item: Case;
  readonly outcomes: readonly Outcome[];
}

/** Errors above these mean a wrong result, not rounding. */
const tolerance = { loss: 1e-5, gradient: 1e-5 };

/** How many times as long as C a prepared step of the losses that are used most may take, at most. */
export const nativeTarget = 1.25;

/** Columns of times, and of ratios to plain JavaScript. */
export const timed: readonly string[] = [...contenders.map(({ name }) => name), native];
export const compared: readonly string[] = ['arrays', 'tensors', steps.name];

export const time = (milliseconds: number): string => {
  if (milliseconds >= 1) return `${milliseconds.toPrecision(3)} ms`;
  const microseconds = milliseconds * 1e3;
  return `${microseconds >= 1 ? microseconds.toPrecision(3) : microseconds.toFixed(2)} µs`;
};

export const error = (value: number): string => (Number.isNaN(value) ? '-' : value.toExponential(1));

const find = (outcomes: readonly Outcome[], wanted: string): Outcome | undefined =>
  outcomes.find(({ contender, rounds }) => contender === wanted && rounds.length > 0);

/** The median time of a contender. */
export function timeOf({ outcomes }: Finding, name: string): string {
  const outcome = find(outcomes, name);
  return outcome ? time(median(outcome.rounds)) : '-';
}

/** Errors of a contender: of the loss, and of its gradient. */
export const errorsOf = ({ outcomes }: Finding, name: string) =>
  outcomes.find(({ contender }) => contender === name)!.errors;

/** How many times faster than plain JavaScript, for each column that is compared: what was measured and what is aimed at. */
export function ratiosOf({ item: { targets }, outcomes }: Finding) {
  const plain = find(outcomes, baseline.name);
  return compared.map((name) => {
    const own = find(outcomes, name);
    return { name, target: targets[name], measured: own && plain && speedup(own, plain) };
  });
}

/** How many times faster than plain JavaScript a prepared step is. */
export const stepsRatio = (finding: Finding): number | undefined =>
  ratiosOf(finding).find(({ name }) => name === steps.name)?.measured;

/** How many times as long as C a prepared step takes. */
export function nativeRatio({ outcomes }: Finding): number | undefined {
  const own = find(outcomes, steps.name);
  const c = find(outcomes, native);
  return own && c && speedup(c, own);
}

/** Whether a workload is a loss of the table; these alone have the target against C. */
export const isOfTable = (item: Case): boolean => item.targets.steps !== undefined;

/** Wrong results. */
export const wrong = ({ item, outcomes }: Finding): string[] =>
  outcomes
    .filter(({ errors }) => errors.loss > tolerance.loss || !(errors.gradient <= tolerance.gradient))
    .map(
      ({ contender, errors }) =>
        `${item.name}: ${contender} is wrong: errors ${error(errors.loss)}, ${error(errors.gradient)}`,
    );

/** Targets that were not reached. */
export function misses(finding: Finding): string[] {
  const { name: workload } = finding.item;
  const lines = ratiosOf(finding).flatMap(({ name, measured, target }) =>
    measured === undefined || target === undefined || measured >= target
      ? []
      : [`${workload}, ${name}: ${measured.toFixed(2)}x is below its target of ${target}x`],
  );
  const c = nativeRatio(finding);
  if (c === undefined || c <= nativeTarget || !isOfTable(finding.item)) return lines;
  return [...lines, `${workload}, steps: ${c.toFixed(2)} times as long as C, above the target of ${nativeTarget}`];
}
