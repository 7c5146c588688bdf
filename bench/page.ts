// What the documentation shows of a run: docs/speed.json, which docs/losses.mjs reads, and docs/speed.md. Parts of that page that have
// runs of their own stay as they are.

import { cpus } from 'node:os';
import { baseline, steps } from './contenders.ts';
import { partOf } from './marks.ts';
import type { Effort } from './measure.ts';
import { parts } from './measured.ts';
import { native } from './native.ts';
import {
  compared,
  error,
  errorsOf,
  type Finding,
  isOfTable,
  nativeRatio,
  ratiosOf,
  stepsRatio,
  timed,
  timeOf,
} from './report.ts';

/** For each loss, on the first of its shapes: how many times faster than plain JavaScript a prepared step is. */
export function speedTable(findings: readonly Finding[]): object {
  const table: Record<string, { readonly shape: readonly number[]; readonly ratio: number }> = {};
  for (const finding of findings.filter(({ item }) => isOfTable(item))) {
    const ratio = stepsRatio(finding);
    const { operation, shape } = finding.item;
    if (ratio !== undefined) table[operation] ??= { shape, ratio: Number(ratio.toPrecision(2)) };
  }
  return table;
}

/** Where and when it was measured. */
export function machine(): string {
  const processors = cpus();
  return `${processors[0]?.model.trim()}, ${processors.length} processors, Node ${process.versions.node}`;
}

const times = (ratio: number | undefined): string => (ratio === undefined ? '-' : `${ratio.toFixed(1)}×`);

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(headings), line(headings.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** Losses and activations of the table: prepared steps beside plain JavaScript and C. */
const ofTable = (findings: readonly Finding[]): string =>
  table(
    ['workload', steps.name, baseline.name, `${baseline.name} / ${steps.name}`, native, `${steps.name} / ${native}`],
    findings.map((finding) => {
      const c = nativeRatio(finding);
      return [
        `\`${finding.item.name}\``,
        timeOf(finding, steps.name),
        timeOf(finding, baseline.name),
        times(stepsRatio(finding)),
        timeOf(finding, native),
        c === undefined ? '-' : `${c.toFixed(2)}×`,
      ];
    }),
  );

/** Workloads that stand for a use: every contender. */
const ofUses = (findings: readonly Finding[]): string =>
  table(
    [
      'workload',
      ...timed,
      ...compared.map((name) => `${baseline.name} / ${name}`),
      `loss error (${baseline.name})`,
      `gradient error (${baseline.name})`,
    ],
    findings.map((finding) => {
      const own = errorsOf(finding, steps.name);
      const plain = errorsOf(finding, baseline.name);
      return [
        `\`${finding.item.name}\``,
        ...timed.map((name) => timeOf(finding, name)),
        ...ratiosOf(finding).map(({ measured }) => times(measured)),
        `${error(own.loss)} (${error(plain.loss)})`,
        `${error(own.gradient)} (${error(plain.gradient)})`,
      ];
    }),
  );

/** docs/speed.md. */
export function speedPage(findings: readonly Finding[], { rounds, time }: Effort): string {
  const day = new Date().toISOString().slice(0, 10);
  const [losses, uses] = [true, false].map((inTable) => findings.filter(({ item }) => item.inTable === inTable));
  return `# Speed

Written by \`npm run bench -- --docs\`: ${machine()}, ${day}. Loss and gradient of one call, medians of ${rounds} interleaved rounds of ${time} ms, each contender in a process of its own; ratios are medians of the rounds' quotients. Take ratios, not times, to another machine.

## Every loss

Prepared steps of the simd tier on tensors of an engine, beside a fused loop in plain JavaScript (\`bench/baseline/\`) and, for the losses that are used most, one in C with four float32 lanes (\`bench/native/losses.c\`). Activations are calls.

${ofTable(losses!)}

## Uses

*arrays* are plain typed arrays and a reused \`out\`, copies included; *tensors* the same call on tensors of an engine; *steps* prepared steps on those, also on the other tiers (*scalar*, *relaxed*). *JS* is a fused loop into a reused gradient, *JS, fresh* into a new one at each call. Errors are those of *steps* against float64: of the loss relative to it, of the gradient relative to its largest element; the loops in JavaScript compute each term in float64.

${ofUses(uses!)}

${parts.map((part) => partOf('docs/speed.md', part)).join('\n\n')}
`;
}
