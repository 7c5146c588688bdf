// The tables of docs/abi.md, out of assembly/plan.ts, assembly/exports.ts and the records of src/losses. docs/table.mjs writes
// them between the markers of the page, and the numbers that its sentences and its example state.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { between, kernelFile, read, root } from './records.mjs';

const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
const code = (text) => `\`${text}\``;

const SIZES = { f64: 8, usize: 4, i32: 4, u32: 4 };
const TYPES = { usize: 'u32' };

/** Who writes the fields of a part of the Plan, by the comment that opens it. */
const ACCESS = { parameters: 'in', 'results, which are added to': 'in, out', operands: 'in', geometry: 'in' };
/** Fields of another sort than their part. */
const OWN_ACCESS = { bad: 'out' };

/** The fields of a Plan: offset, name, type, access, comment. */
export function planFields() {
  const source = read('assembly/plan.ts');
  const body = source.slice(source.indexOf('class Plan {'));
  let offset = 0;
  let part = '';
  const fields = [];
  for (const line of body.slice(0, body.indexOf('\n}')).split('\n')) {
    part = /^ {2}\/\/ (.+)$/.exec(line)?.[1] ?? part;
    const [, name, type, comment = ''] = /^ {2}(\w+): (\w+);(?: \/\/ (.*))?$/.exec(line) ?? [];
    if (name === undefined) continue;
    const access = OWN_ACCESS[name] ?? ACCESS[part];
    if (!access || !SIZES[type])
      throw new Error(`docs/abi.mjs does not know ${access ? type : `the part "${part}"`} of plan.ts`);
    offset = Math.ceil(offset / SIZES[type]) * SIZES[type];
    fields.push({ offset, name, type: TYPES[type] ?? type, access, comment });
    offset += SIZES[type];
  }
  return { fields, bytes: offset };
}

/** Constants of plan.ts with the comments above them; a comment that opens several is a heading. */
function constants() {
  const found = [...read('assembly/plan.ts').matchAll(/(?:\/\*\* (.*) \*\/\n)?export const (\w+): u32 = (\d+);/g)];
  return found.map(([, comment, name, value]) => ({ comment, name, value }));
}

/** What fields without a comment are. */
const MEANINGS = {
  high: 'upper bound of the targets',
  partStep: 'values from one member of `parts` to the next',
  scratch: 'room for the kernel, as many bytes as it asks for; 0 asks it',
  outer: 'geometry: steps before the classes, or before the rows',
  middle: 'classes at hand, or rows',
  inner: 'innermost size; 1 for logits [N, C]',
  ignoreIndex: 'the index that marks an ignored sample',
  flags: 'sum of flags, see below',
};
const AXES = ['outer', 'middle', 'inner'];

/** What a field is: its comment, or what follows from the field that it goes with. */
function meaningOf({ name, comment }, fields) {
  const [, operand, axis] = /^([abcd])([012])?$/.exec(name) ?? [];
  const commentOf = (other) => fields.find((each) => each.name === other).comment;
  if (axis) return `\`${operand}\`: elements from one step of ${AXES[axis]} to the next`;
  if (operand) return "an operand of the loss's own";
  if (/^p\d$/.test(name)) return "a parameter of the loss's own";
  const step = /^\w+(Outer|Step)$/.exec(name)?.[1];
  const meaning = comment || (step && name !== 'partStep' ? commentOf(`input${step}`) : MEANINGS[name]);
  if (!meaning) throw new Error(`field ${name} of assembly/plan.ts has no comment`);
  return meaning;
}

const fieldRows = ({ fields }) =>
  fields.map((field) => [String(field.offset), code(field.name), field.type, field.access, meaningOf(field, fields)]);

/** The exports beside the kernels, with their signatures. */
function helpers() {
  const found = read('assembly/exports.ts').matchAll(/\/\*\* (.*) \*\/\nexport function (\w+)\((.*?)\): (\w+) \{/g);
  return [...found].map(([, comment, name, parameters, result]) => {
    const types =
      parameters === ''
        ? []
        : parameters.split(', ').map((each) => each.replace(/: (usize|Plan)$/, '').replace(/: (\w+)$/, ': $1'));
    const returns = result === 'void' ? '' : ' → i32';
    return [code(name), `(${types.join(', ').replace(/^p$/, 'plan')})${returns}`, comment];
  });
}

/** What a choice or a flag is as a number. */
const NUMBERS = { flag: '0 or 1', activation: "0 'softmax', 1 'sigmoid', 2 'none'", group: "0 'sample', 1 'batch'" };
/** Options that go elsewhere than to a parameter or to an operand of their own. */
const PLACES = {
  ignoreIndex: '`ignoreIndex`',
  marker: '`marker` and flag IGNORE',
  components: '`c` (int32 [members][total]) and `members`',
  joint: 'one more of `members`, every class a group of its own',
};
/** Options whose place the page tells in words. */
const TOLD = ['axis', 'labels'];

function optionPlaces({ options, fixed = {}, second }) {
  const given = Object.entries(options).filter(([, { kind }]) => !TOLD.includes(kind));
  const places = given.map(([key, { kind, to }]) => {
    const place = to === undefined ? PLACES[kind] : code(to);
    if (!place) throw new Error(`docs/abi.mjs does not know where option kind ${kind} goes`);
    return `${key} → ${place}${NUMBERS[kind] ? ` (${NUMBERS[kind]})` : ''}`;
  });
  for (const [field, value] of Object.entries(fixed)) places.push(`${code(field)} = ${value}`);
  if (second)
    places.push(
      second in options ? `gradient of ${second} → \`sideGrad\`` : `${second} → \`d\`, its gradient → \`sideGrad\``,
    );
  return places.join('; ') || '–';
}

const WALKS = {
  class: 'samples of a class axis',
  row: 'rows',
  element: 'elements',
  group: 'samples of a class axis, `members` a group',
};
const TARGETS = {
  classes: '`indices` (INDICES) or `target`',
  indices: '`indices` (INDICES)',
  sets: '`target`, and `indices` (INDICES): 0, or ignoreIndex where a set is empty',
  none: '`target`: the incoming gradient of the backward form',
};

/** Each kernel with the losses that it computes and where their options go. */
function kernels({ losses, activations }) {
  const known = readdirSync(join(root, 'assembly/losses')).map((name) => name.replace(/\.ts$/, ''));
  const records = [...losses, ...activations].flatMap(({ record }) => record ?? []);
  const rows = records.map((record) => {
    const kernel = record.kernel ?? record.name;
    if (!known.includes(kernel)) throw new Error(`${record.name} has no kernel ${kernel}`);
    const file = `[${code(kernel)}](../${kernelFile(kernel)})`;
    const name = `${record.name}${record.log ? ' (flag LOG)' : ''}`;
    return [file, name, WALKS[record.walk], TARGETS[record.target] ?? '`target`', optionPlaces(record)];
  });
  const used = records.map((record) => record.kernel ?? record.name);
  const idle = known.filter((name) => !used.includes(name));
  if (idle.length > 0) throw new Error(`no record uses the kernel ${idle.join(', ')}`);
  return rows;
}

/** The page with fresh tables and numbers. */
export function abiPage(page, all) {
  const plan = planFields();
  const [flags, phases] = [[], []];
  for (const each of constants()) (each.name === 'MEASURE' || phases.length > 0 ? phases : flags).push(each);
  let text = between(page, 'plan', table(['offset', 'field', 'type', '', 'meaning'], fieldRows(plan)));
  text = between(
    text,
    'exports',
    table(
      ['export', 'signature', 'what'],
      [['`memory`', 'memory', 'Grow it as needed; it is never grown from inside.'], ...helpers()],
    ),
  );
  text = between(text, 'kernels', table(['kernel', 'of', 'one loss for each of', 'target', 'options'], kernels(all)));
  text = between(
    text,
    'flags',
    table(
      ['flag', 'value', 'meaning'],
      flags.map(({ name, value, comment }) => [name, value, comment]),
    ),
  );
  text = between(text, 'phases', phases.map(({ name, value }) => `${name} = ${value}`).join(', '));
  const at = Object.fromEntries(plan.fields.map(({ name, offset }) => [name, offset]));
  return text
    .replace(/\bone Plan: \d+ bytes/, `one Plan: ${plan.bytes} bytes`)
    .replace(/\bplanBytes\(\) !== \d+/, `planBytes() !== ${plan.bytes}`)
    .replace(/^const at = \{ (.*) \};$/m, (_, list) => {
      const names = list.split(', ').map((each) => each.split(':')[0]);
      return `const at = { ${names.map((name) => `${name}: ${at[name]}`).join(', ')} };`;
    });
}
