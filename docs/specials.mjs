// The tables of docs/semantics.md: what the mean of each loss divides by and what it leaves out, by its record; and what infinite
// and NaN inputs give, as the float64 references have it. docs/table.mjs writes them between the markers of the page.

import { between, load } from './records.mjs';
import { denominator, neededBy } from './targets.mjs';

const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

/** What a loss leaves out, beside what weighs 0. */
function leavesOut({ options, target, walk }) {
  if (options.ignoreIndex) {
    return `${walk === 'group' ? 'positions' : 'samples'} whose target is \`ignoreIndex\``;
  }
  if (options.ignoreValue) return 'elements whose target is `ignoreValue`';
  return target === 'sets' ? 'samples with an empty set' : '–';
}

const INFINITE = Number.POSITIVE_INFINITY;
const show = (value) => {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const rounded = Math.abs(value) < 1e-12 ? 0 : Number(value.toPrecision(3)); // noise of float64
  return String(rounded).replaceAll('-', '−');
};
const shown = (values) => Array.from(values, show).join(', ');

/** Targets of one element, by what a record takes. */
const TARGETS = { unit: [0, 1], labels: [0, 1], signs: [-1, 1], bits: [-1, 1], masses: [0, 1], real: [0, 1] };
/** Inputs of one element: of a logit, and of a probability, which has to be one. */
const INPUTS = [-INFINITE, INFINITE, Number.NaN];

/** Loss and gradient of each input, for each target; targets with the same ones share a row. */
function elementRows(records, functions) {
  const losses = records.filter(({ walk, both }) => walk === 'element' && !both);
  return losses.flatMap((record) => {
    const rows = new Map();
    for (const y of TARGETS[record.target]) {
      const cells = INPUTS.map((x) => {
        const { loss, grad } = functions[record.name]([x], [y], { ...neededBy(record), reduction: 'none' });
        return `${shown(loss.data)}; ${shown(grad.data)}`;
      });
      const key = cells.join();
      rows.set(key, { targets: [...(rows.get(key)?.targets ?? []), y], cells });
    }
    return [...rows.values()].map(({ targets, cells }) => [`\`${record.name}\``, shown(targets), ...cells]);
  });
}

/** Logits [x, 0, 1] whose first class is the target, and [0, x, 1]. */
const SAMPLES = [
  [-INFINITE, 0, 1],
  [0, -INFINITE, 1],
  [INFINITE, 0, 1],
  [0, INFINITE, 1],
];
/** The target of a sample: its first class, or what has the same meaning. */
const sampleTarget = ({ target }) => (target === 'classes' || target === 'indices' ? [0] : [[1, 0, 0]]);

/** Loss and gradient of each sample. */
function sampleRows(records, functions) {
  const losses = records.filter(({ walk }) => walk !== 'element');
  return losses.map((record) => {
    const { name, names, options, second } = record;
    const cells = SAMPLES.map((logits) => {
      const pair = second !== undefined && !(second in options);
      const input = pair ? { [names[0]]: [logits], [second]: [1] } : [logits];
      const { loss, grad } = functions[name](input, sampleTarget(record), { ...neededBy(record), reduction: 'none' });
      return `${shown(loss.data)}; ${shown((pair ? grad[names[0]] : grad).data)}`;
    });
    return [`\`${name}\``, ...cells];
  });
}

/** The page with fresh tables. */
export async function semanticsPage(page, { losses }) {
  const { functions } = await load('test/readme/float64.ts');
  const records = losses.flatMap(({ record }) => record ?? []);
  const means = records.map((record) => [`\`${record.name}\``, denominator(record), leavesOut(record)]);
  let text = between(page, 'means', table(['loss', '`mean` divides by', 'leaves out'], means));
  text = between(
    text,
    'elements',
    table(['loss', 'target', 'input −∞', 'input ∞', 'input NaN'], elementRows(records, functions)),
  );
  return between(
    text,
    'samples',
    table(['loss', 'target −∞', 'another −∞', 'target ∞', 'another ∞'], sampleRows(records, functions)),
  );
}
