// Under the condition `development` losses with a softmax of their own look at what they are given: probabilities in place of
// logits train badly and never fail. Said once in a process; direct calls alone, since steps are for speed.

import { internals as lib } from '../index.ts';

/** What the copies of this module share. */
const SAID = Symbol.for('lossmith development');
const registry = globalThis as { [SAID]?: true };

/** Rows of probabilities add up to 1, but for rounding. */
const SLACK = 1e-4;

/** Whether all values lie in [0, 1] and every row of classes adds up to 1. */
export function looksLikeProbabilities(input: unknown, axis: unknown): boolean {
  const { data, shape, length } = lib.readOperand(input, 'input');
  const own = shape ?? [length];
  if (own.length === 0 || length === 0) return false;
  const { outer, classes, inner } = lib.splitAtAxis(own, axis as number | undefined, 'input');
  if (classes < 2) return false;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let sum = 0;
      for (let c = 0; c < classes; c++) {
        const value = Number(data[(o * classes + c) * inner + i]);
        if (!(value >= 0 && value <= 1)) return false;
        sum += value;
      }
      if (Math.abs(sum - 1) > SLACK) return false;
    }
  }
  return true;
}

/** What a tensor holds now; undefined where it is none. */
function copyOf(input: unknown): unknown {
  try {
    const { data, shape, length } = lib.readOperand(input, 'input');
    return { data: data.slice(), shape: shape ?? [length] };
  } catch {
    return undefined; // the loss will say so
  }
}

/** Looks at the logits of a call that went well: one that does not says itself what is wrong. */
function look(name: string, input: unknown, options: unknown): void {
  if (registry[SAID] || !looksLikeProbabilities(input, (options as { axis?: unknown } | undefined)?.axis)) return;
  registry[SAID] = true;
  console.warn(
    `lossmith: ${name}: logits look like probabilities (all in [0, 1], every row adds up to 1). ` +
      'It applies the softmax itself: pass what goes into yours. (Said once, under the condition "development".)',
  );
}

type Form = (...args: readonly unknown[]) => unknown;

/** A loss that looks at the logits of direct calls. */
export function watched<L>(loss: L): L {
  const base = loss as Form & Readonly<Record<string, Form>>;
  const after = (run: Form, input: number, options: number): Form =>
    lib.guard((...args: readonly unknown[]) => {
      // the gradient may go over the logits
      const seen = registry[SAID] ? undefined : copyOf(args[input]);
      const result = run(...args);
      if (seen !== undefined) look(base.name, seen, args[options]);
      return result;
    });
  const fused = after(base, 0, 2);
  const forms = { ...base, forward: after(base.forward as Form, 0, 2), backward: after(base.backward as Form, 1, 3) };
  Object.defineProperty(fused, 'name', { value: base.name });
  return Object.freeze(Object.assign(fused, forms)) as L; // every form of the loss, by its name
}
