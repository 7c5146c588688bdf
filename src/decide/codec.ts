// Composite labels: one class for each combination of parts, and back.

import { readChoice, readOptions } from '../entries/options.ts';
import { internals as lib } from '../index.ts';

/** Which part varies fastest as the class index grows. */
export type CodecOrder = 'first-slow' | 'first-fast';

/** Options of `labelCodec`. */
export interface LabelCodecOptions {
  /** Which part varies fastest: the last ('first-slow': AC, AD, BC, BD; default) or the first ('first-fast': AC, BC, AD, BD). */
  readonly order?: CodecOrder | undefined;
  /** The labels that exist, as strings or as lists of parts. Default: every combination. */
  readonly allowed?: readonly (string | readonly string[])[] | undefined;
  /** Stands between the parts of a label. Default ''. */
  readonly separator?: string | undefined;
}

/** Composite labels as joint classes. */
export interface LabelCodec {
  /** The number of joint classes. */
  readonly classes: number;
  /** The label of each joint class. */
  readonly names: readonly string[];
  /** For each part the value that each joint class has: option `components` of `componentCrossEntropy`. */
  readonly components: readonly (readonly number[])[];
  /** The joint class of a label, given as a string or as its parts. */
  encode(label: string | readonly string[]): number;
  /** The parts of a joint class. */
  decode(index: number): readonly string[];
  /** Class, label and parts, a line each. */
  table(): string;
}

/** More classes than a table of them is good for. */
const MOST = 2 ** 20;

/** How the labels of a codec are written. */
interface Spelling {
  readonly name: string;
  readonly values: readonly (readonly string[])[];
  /** The list that stands for one value of each part. */
  readonly written: (parts: readonly string[]) => readonly string[];
  /** One value of each part, from such a list. */
  readonly read: (list: readonly string[], where: string) => readonly string[];
  /** What is wrong with a label that no class has. */
  readonly fault: (label: string) => string;
  readonly separator: string;
}

function readStrings(value: unknown, where: string): string[] {
  if (!Array.isArray(value)) throw new TypeError(`${where} is ${lib.describe(value)}, expected an array of strings`);
  return Array.from(value, (each: unknown, i) => {
    if (typeof each === 'string') return each;
    throw new TypeError(`${where}[${i}] is ${lib.describe(each)}, expected a string`);
  });
}

/** Distinct strings, at least one. */
function readDistinct(value: unknown, where: string): string[] {
  const strings = readStrings(value, where);
  if (strings.length === 0) throw new RangeError(`${where} is empty, expected at least one string`);
  const twice = strings.find((each, i) => strings.indexOf(each) !== i);
  if (twice !== undefined)
    throw new RangeError(`${where} has ${JSON.stringify(twice)} twice, expected distinct strings`);
  return strings;
}

/** The first part of a label that does not fit, and what is left of the label there. */
function misfit(label: string, values: readonly (readonly string[])[], separator: string): [number, string] {
  const last = values.length - 1;
  let worst: [number, string] = [0, label];
  const descend = (part: number, rest: string): void => {
    if (part > worst[0]) worst = [part, rest];
    if (part === last) return;
    for (const value of values[part] ?? []) {
      const head = value + separator;
      if (rest.startsWith(head)) descend(part + 1, rest.slice(head.length));
    }
  };
  descend(0, label);
  return worst;
}

function listed(strings: Iterable<string>): string {
  const first: string[] = [];
  for (const each of strings) {
    if (first.length === 12) return `${first.join(', ')}, …`;
    first.push(each === '' ? "''" : each);
  }
  return first.join(', ');
}

function makeCodec(spelling: Spelling, order: CodecOrder, allowed: readonly unknown[] | undefined): LabelCodec {
  const { name, values, written, separator } = spelling;
  const total = values.reduce((n, part) => n * part.length, 1);
  if (total > MOST) {
    throw new RangeError(
      `${name}: the parts make ${total} labels, expected at most ${MOST} (give each part a head of its own: multiHead)`,
    );
  }
  const places = values.map((_, m) => (order === 'first-slow' ? values.length - 1 - m : m));
  const digitsOf = (index: number): number[] => {
    const digits = new Array<number>(values.length).fill(0);
    let rest = index;
    for (const m of places) {
      const size = values[m]?.length ?? 1;
      digits[m] = rest % size;
      rest = Math.floor(rest / size);
    }
    return digits;
  };
  const partsOf = (digits: readonly number[]): string[] => digits.map((d, m) => values[m]?.[d] as string);
  const spell = (parts: readonly string[]): string => written(parts).join(separator);

  let digits = Array.from({ length: total }, (_, index) => digitsOf(index));
  if (allowed) {
    const whole = makeCodec(spelling, order, undefined);
    const all = new Map(whole.names.map((label, index) => [label, index]));
    const kept = new Set(allowed.map((label, i) => encodeIn(all, spelling, label, `${name}: allowed[${i}]`)));
    digits = digits.filter((_, index) => kept.has(index));
  }
  const tuples = digits.map((each) => Object.freeze([...written(partsOf(each))]));
  const names = Object.freeze(digits.map((each) => spell(partsOf(each))));
  const byName = new Map<string, number>();
  for (const [index, label] of names.entries()) {
    const before = byName.get(label);
    if (before !== undefined) {
      const both = [before, index].map((at) => `[${tuples[at]?.join(', ')}]`).join(' and ');
      throw new RangeError(
        `${name}: ${both} are both ${JSON.stringify(label)}, expected a separator that tells them apart`,
      );
    }
    byName.set(label, index);
  }
  const components = Object.freeze(values.map((_, m) => Object.freeze(digits.map((each) => each[m] as number))));
  const codec: LabelCodec = {
    classes: names.length,
    names,
    components,
    encode: lib.guard((label: string | readonly string[]) =>
      encodeIn(byName, spelling, label, `${name}.encode: label`),
    ),
    decode: lib.guard((index: number) => {
      const at = lib.readNumber(index, `${name}.decode: index`, lib.INTEGER);
      const parts = tuples[at];
      if (parts) return parts;
      throw new RangeError(`${name}.decode: index is ${at}, outside [0, ${names.length})`);
    }),
    table: () => tableOf(names, components, values),
  };
  return Object.freeze(codec);
}

/** The class of a label, of those that there are; `where` opens the message for one that is none. */
function encodeIn(classes: ReadonlyMap<string, number>, spelling: Spelling, label: unknown, where: string): number {
  const { written, read, fault, separator } = spelling;
  if (typeof label === 'string') {
    const index = classes.get(label);
    if (index !== undefined) return index;
    throw new RangeError(
      `${where} is ${JSON.stringify(label)}, expected one of ${listed(classes.keys())}${fault(label)}`,
    );
  }
  const given = readStrings(label, where);
  const spelled = written(read(given, where)).join(separator);
  const index = classes.get(spelled);
  if (index !== undefined) return index;
  throw new RangeError(`${where} is [${given.join(', ')}], expected one of ${listed(classes.keys())}`);
}

function tableOf(
  names: readonly string[],
  components: LabelCodec['components'],
  values: readonly (readonly string[])[],
): string {
  const head = ['class', 'label', ...values.map((_, m) => `part ${m}`)];
  const rows = names.map((label, index) => [
    String(index),
    label,
    ...components.map((map, m) => `${map[index]} ${values[m]?.[map[index] as number]}`),
  ]);
  const widths = head.map(({ length }, k) =>
    rows.reduce((most, row) => Math.max(most, (row[k] as string).length), length),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, k) => (k === 0 ? cell.padStart(widths[k] as number) : cell.padEnd(widths[k] as number))).join('  ');
  return [head, ...rows].map((row) => line(row).trimEnd()).join('\n');
}

const KNOWN = ['order', 'allowed', 'separator'] as const;
const ORDERS = ['first-slow', 'first-fast'] as const;

function readCodecOptions(name: string, options: LabelCodecOptions | undefined, standard: CodecOrder) {
  const { order, allowed, separator } = readOptions(name, options, KNOWN);
  if (separator !== undefined && typeof separator !== 'string') {
    throw new TypeError(`${name}: separator is ${lib.describe(separator)}, expected a string`);
  }
  if (allowed !== undefined && !Array.isArray(allowed)) {
    throw new TypeError(`${name}: allowed is ${lib.describe(allowed)}, expected an array of labels`);
  }
  if (allowed?.length === 0) throw new RangeError(`${name}: allowed is empty, expected at least one label`);
  return { order: readChoice(order ?? standard, `${name}: order`, ORDERS), allowed, separator: separator ?? '' };
}

function codecOf(parts: readonly (readonly string[])[], options?: LabelCodecOptions): LabelCodec {
  const name = 'labelCodec';
  const { order, allowed, separator } = readCodecOptions(name, options, 'first-slow');
  if (!Array.isArray(parts))
    throw new TypeError(`${name}: parts is ${lib.describe(parts)}, expected an array of arrays`);
  if (parts.length === 0) throw new RangeError(`${name}: parts is empty, expected at least one part`);
  const values = Array.from(parts, (part: unknown, m) => readDistinct(part, `${name}: parts[${m}]`));
  const read = (given: readonly string[], where: string): readonly string[] => {
    if (given.length !== values.length) {
      throw new RangeError(`${where} has ${given.length} parts, expected ${values.length}`);
    }
    const bad = given.findIndex((value, m) => !values[m]?.includes(value));
    if (bad < 0) return given;
    throw new RangeError(
      `${where}[${bad}] is ${JSON.stringify(given[bad])}, expected one of ${listed(values[bad] ?? [])}`,
    );
  };
  const fault = (label: string): string => {
    const [part, rest] = misfit(label, values, separator);
    if (values[part]?.includes(rest)) return '';
    return `; part ${part} of it is ${JSON.stringify(rest)}, none of ${listed(values[part] ?? [])}`;
  };
  return makeCodec({ name, values, written: (given) => given, read, fault, separator }, order, allowed);
}

function powerSet(names: readonly string[], options?: LabelCodecOptions): LabelCodec {
  const name = 'labelCodec.powerSet';
  const { order, allowed, separator } = readCodecOptions(name, options, 'first-fast');
  const strings = readDistinct(names, `${name}: names`);
  const empty = strings.indexOf('');
  if (empty >= 0) throw new RangeError(`${name}: names[${empty}] is "", expected a name that can be seen`);
  // one part for each name: there ('1' of the table) or not
  const values = strings.map((each) => ['', each]);
  const read = (given: readonly string[], where: string): readonly string[] => {
    const bad = given.findIndex((each, i) => !strings.includes(each) || given.indexOf(each) !== i);
    if (bad < 0) return strings.map((each) => (given.includes(each) ? each : ''));
    const why = strings.includes(given[bad] as string) ? 'for the second time' : `expected one of ${listed(strings)}`;
    throw new RangeError(`${where}[${bad}] is ${JSON.stringify(given[bad])}, ${why}`);
  };
  const written = (parts: readonly string[]): readonly string[] => parts.filter((part) => part !== '');
  const fault = (label: string): string => {
    const bad = separator === '' ? undefined : label.split(separator).find((each) => !strings.includes(each));
    return bad === undefined ? '' : `; ${JSON.stringify(bad)} in it is none of ${listed(strings)}`;
  };
  return makeCodec({ name, values, written, read, fault, separator }, order, allowed);
}

/**
 * Composite labels such as 'AC', 'AD', 'BC', 'BD' as joint classes: the maps that `componentCrossEntropy` takes, and the way
 * from labels to classes and back.
 *
 * `labelCodec.powerSet(names, options)` has a class for every set of names (2^k of them; the empty set is class 0): the label of
 * a set is its names joined, its parts are those names, and the order is 'first-fast' unless another is asked for, so that the
 * class is Σ bit_i·2^i.
 *
 * @param parts - The values of each part, e.g. [['A', 'B'], ['C', 'D']]; any number of parts of any sizes.
 * @param options - `order` ('first-slow', the last part varies fastest: AC, AD, BC, BD; or 'first-fast': AC, BC, AD, BD),
 * `allowed` (the labels that exist, as strings or lists of parts; default every combination; classes keep their order),
 * `separator` (''; stands between the parts of a label).
 * @returns `{ classes, names, components, encode(label | parts), decode(index), table() }`: `encode` gives the class of a label,
 * `decode` the parts of a class, `names[index]` its label.
 * @throws RangeError where two labels' strings coincide, for a label that does not exist (naming the part), and for more than
 * 2^20 labels; TypeError for the wrong kind.
 * @example
 * import { componentCrossEntropy } from 'lossmith';
 * import { labelCodec } from 'lossmith/decide';
 * const codec = labelCodec([['A', 'B'], ['C', 'D']]);
 * codec.names.join(); // => AC,AD,BC,BD
 * codec.decode(2); // => ['B', 'C']
 * const { components } = codec;
 * const weights = [2, 0.5]; // α of A or B, β of C or D
 * componentCrossEntropy([[1.2, -0.3, 0.4, 0.1]], [codec.encode('AD')], { components, weights }).loss; // => 1.63019
 * labelCodec.powerSet(['A', 'B']).names.join(); // => ,A,B,AB
 */
export const labelCodec: {
  (parts: readonly (readonly string[])[], options?: LabelCodecOptions): LabelCodec;
  powerSet(names: readonly string[], options?: LabelCodecOptions): LabelCodec;
} = /* @__PURE__ */ Object.assign(/* @__PURE__ */ lib.guard(codecOf), {
  powerSet: /* @__PURE__ */ lib.guard(powerSet),
});
