/**
 * The table is complete: whatever stands in a record of src/losses has a kernel, a reference, cases of another implementation,
 * a benchmark and documentation, and every option of it changes something.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gaps, records } from '../bench/table.ts';
import { createEngine } from '../src/index.ts';
import type { OperationRecord } from '../src/losses/record.ts';
import { goldenFiles, loadGolden, operationOf } from './golden.ts';
import { activationNames, asTensor, callOf, exported, type FormName, formNames, gradientsOf } from './library.ts';
import { optionNames, type Problem, type ReferenceOptions, references } from './reference/index.ts';
import { pick, type Random, randomFrom } from './reference/random.ts';
import { axisFor } from './tiers.ts';

/** What the pages are made of, for one name. */
interface Documented {
  readonly name: string;
  readonly doc?: {
    readonly text: readonly string[];
    readonly params: Readonly<Record<string, string>>;
    readonly returns?: string;
    readonly throws?: string;
    readonly example?: string;
  };
  readonly options?: readonly { readonly key: string; readonly text: string }[];
}

const pages = '../docs/records.mjs';
const { table } = (await import(/* @vite-ignore */ pages)) as {
  table(): Promise<{ losses: Documented[]; activations: Documented[] }>;
};
const documented = await table();
const docs = new Map([...documented.losses, ...documented.activations].map((each) => [each.name, each]));
const lossesPage = readFileSync(new URL('../docs/losses.md', import.meta.url), 'utf8');

const cases = new Set(goldenFiles().flatMap((file) => loadGolden(file).map(operationOf)));
const module = new WebAssembly.Module(readFileSync(new URL('../dist/wasm/simd.wasm', import.meta.url)));
const kernels = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));

const COMMON = ['reduction', 'scale', 'emptyMean'];
const isLoss = ({ target }: OperationRecord): boolean => target !== 'none';

/** Options that the references of a name know. */
function known(name: string): readonly string[] {
  if (name in references) return optionNames(references[name as FormName]);
  return name.endsWith('oftmax') ? ['axis'] : [];
}

/** What is missing of a record, one line each. */
function missing(record: OperationRecord): string[] {
  const { name, kernel = name, options } = record;
  const lines: string[] = [...gaps([record])];
  const need = (has: boolean, what: string): void => {
    if (!has) lines.push(`${name}: ${what}`);
  };
  need(exported.has(name), 'no export of src/index.ts');
  need(kernels.has(kernel), `no kernel ${kernel} in assembly/losses`);
  need([...formNames, ...activationNames].includes(name as FormName), 'no float64 reference in test/reference');
  need(cases.has(name as FormName), 'no cases in test/golden');
  const doc = docs.get(name)?.doc;
  need((doc?.text[0]?.length ?? 0) > 20, 'no doc comment in src/functions');
  need(Object.keys(doc?.params ?? {}).length >= (isLoss(record) ? 3 : 2), 'parameters without @param');
  for (const tag of ['returns', 'throws', 'example'] as const) need((doc?.[tag]?.length ?? 0) > 10, `no @${tag}`);
  need(lossesPage.includes(`\n## ${name}\n`) || !isLoss(record), 'not in docs/losses.md: node docs/table.mjs');
  const own = [...known(name)];
  for (const key of Object.keys(options)) {
    need(own.includes(key), `no reference knows option ${key}`);
    const text = docs.get(name)?.options?.find((option) => option.key === key)?.text ?? '';
    need(text.length > 10, `option ${key} has no comment in src/losses`);
    need(JSON.stringify(doc?.params.options ?? '').includes(`\`${key}`), `option ${key} is not in its doc comment`);
  }
  for (const key of own) {
    need(key in options || (isLoss(record) && COMMON.includes(key)), `no option ${key}, which its reference has`);
  }
  return lines;
}

describe('every record of the table', () => {
  it.each(records.map((record) => [record.name, record] as const))('%s has all that belongs to it', (_, record) => {
    expect(missing(record)).toEqual([]);
  });

  it('is complete: no reference, export or kernel without a record', () => {
    const names = new Set(records.map(({ name }) => name));
    expect([...formNames, ...activationNames].filter((name) => !names.has(name))).toEqual([]);
    const engine = createEngine();
    expect([...names].filter((name) => !(name in engine))).toEqual([]);
    const used = new Set(records.map(({ name, kernel = name }) => kernel));
    const others = ['memory', 'heapBase', 'planBytes', 'tier', 'canonicalize', 'amplify'];
    const own = [...kernels].filter((name) => !used.has(name) && !others.includes(name) && !/^scan|^linear/.test(name));
    expect(own).toEqual([]);
  });

  it('would be missed: a name of nothing, an option of nothing', () => {
    const [plain] = records.filter(({ name }) => name === 'mse') as [OperationRecord];
    const lines = missing({ ...plain, name: 'mean5' });
    for (const what of [
      'no plain JavaScript',
      'no export',
      'no kernel mean5',
      'no float64 reference',
      'no cases',
      'no doc comment',
      '@param',
      'no @returns',
      'no @throws',
      'no @example',
      'docs/losses.md',
    ]) {
      expect(lines.filter((line) => line.startsWith('mean5: ') && line.includes(what)).length, what).toBe(1);
    }
    const more = missing({ ...plain, options: { ...plain.options, sharpness: { kind: 'number', to: 'p3' } } });
    expect(more).toEqual([
      'mse: no reference knows option sharpness',
      'mse: option sharpness has no comment in src/losses',
      'mse: option sharpness is not in its doc comment',
    ]);
    expect(missing({ ...plain, options: {} }).length).toBe(Object.keys(plain.options).length);
  });
});

/** All numbers that a call leads to, or its error. */
function outcome(op: FormName, problem: Problem): string {
  const { loss, input, target, options } = callOf(op, problem);
  try {
    const result = loss(input, target, options);
    const { grad, grads } = gradientsOf(result);
    const tensors = [asTensor(result.loss), grad, ...Object.values(grads)];
    return tensors.map(({ data, shape }) => `[${shape}] ${Array.from(data).join()}`).join(';');
  } catch (error) {
    return String(error);
  }
}

/** Two values of an option in the same problem; undefined is its default. */
function variants(random: Random, op: FormName, name: keyof ReferenceOptions): [Problem, Problem] {
  const loss = references[op];
  const shape = pick(random, [
    [3, 3],
    [4, 3, 3],
  ] as const);
  const problem = loss.draw(random, shape, axisFor(op, 1), pick(random, loss.targets));
  const at = ({ inputs, options }: Problem, value: unknown): Problem => ({
    inputs,
    options: { ...options, [name]: value },
  });
  const draw = loss.options[name];
  if (draw) return [at(problem, draw(random, problem)), at(problem, undefined)];
  const change = loss.targetOptions[name];
  if (change) {
    const changed = change(random, problem);
    return [changed, at(changed, undefined)];
  }
  const common: Record<string, [unknown, unknown]> = {
    reduction: ['sum', 'mean'],
    scale: [2, 1],
    axis: [1, shape.length - 1],
  };
  if (name in common) return [at(problem, common[name]![0]), at(problem, common[name]![1])];
  if (name === 'emptyMean') {
    const none = loss.draw(random, [0, 3], axisFor(op, 1), loss.targets[0]);
    return [at(none, 'nan'), at(none, 'zero')];
  }
  // what the inputs depend on: that of another draw, or what it is if it is not given
  const other = loss.draw(random, shape, axisFor(op, 1), loss.targets[0]);
  return [problem, at(problem, other.options[name])];
}

describe('an option changes the loss or its gradient', () => {
  const every = formNames.flatMap((op) => {
    const { axis: _, ...own } = Object.fromEntries(optionNames(references[op]).map((name) => [name, name]));
    const names = axisFor(op, 1) === undefined ? Object.keys(own) : [...Object.keys(own), 'axis'];
    return names.map((name) => [op, name as keyof ReferenceOptions] as const);
  });

  it.each(every)('%s: %s', (op, name) => {
    const random = randomFrom(12);
    const differ = Array.from({ length: 40 }, () => variants(random, op, name)).some(([a, b]) => {
      return outcome(op, a) !== outcome(op, b);
    });
    expect(differ, 'of 40 problems').toBe(true);
  });

  it.each(formNames)('which the same call of %s twice does not', (op) => {
    const { draw, targets } = references[op];
    const problem = draw(randomFrom(12), [4, 3, 3], axisFor(op, 1), targets[0]);
    expect(outcome(op, problem)).toBe(outcome(op, problem));
  });
});
