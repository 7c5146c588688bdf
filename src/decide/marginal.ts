// The logits of the parts of composite labels.

import { readOptions } from '../entries/options.ts';
import { type Classed, readClassed, shapeWith } from '../entries/samples.ts';
import { internals as lib } from '../index.ts';
import type { EngineBase, Tensor, TensorInput } from '../values/types.ts';
import { type Leaves, type Survey, survey } from './survey.ts';

/** Options of `marginalLogits`. */
export interface MarginalLogitsOptions {
  /** One class → group map per component, as for `componentCrossEntropy`. */
  readonly components: readonly (readonly number[] | Int32Array)[];
  /** The class axis; negatives count from the end. Default 1, of 1-D input 0. */
  readonly axis?: number | undefined;
  /** Where to compute. Default: where the logits live, or the default engine. */
  readonly engine?: EngineBase | undefined;
}

/** `marginalLogits` and its gradient. */
export interface MarginalLogits {
  /** See `marginalLogits`. */
  (logits: TensorInput, options: MarginalLogitsOptions): Tensor[];
  /**
   * The gradient with respect to the logits: Σ over components of the incoming gradient of a class's group times the softmax within
   * the group.
   *
   * @param gradOutputs - One tensor per component, shaped like the results.
   * @param logits - Those of the function.
   * @param options - Those of the function.
   * @returns A tensor of the logits' shape.
   */
  backward(gradOutputs: readonly TensorInput[], logits: TensorInput, options: MarginalLogitsOptions): Tensor;
}

/** More groups than any label has values. */
const MOST = 65536;

interface Groups {
  readonly classed: Classed;
  /** The group of each class among those of all components. */
  readonly map: Int32Array;
  /** Groups of each component, and of those before it. */
  readonly counts: readonly number[];
  readonly starts: readonly number[];
  readonly total: number;
  /** The shape of each result. */
  readonly shapes: readonly (readonly number[])[];
}

function readGroups(
  name: string,
  logits: TensorInput,
  given: { readonly [K in 'components' | 'axis']?: MarginalLogitsOptions[K] | undefined },
): Groups {
  const classed = readClassed(name, 'logits', logits, { axis: given.axis });
  const { classes } = classed;
  const { components } = given;
  if (components === undefined) {
    throw new TypeError(`${name}: components is missing, expected one class → group map per component`);
  }
  if (!Array.isArray(components)) {
    throw new TypeError(`${name}: components is ${lib.describe(components)}, expected an array of maps`);
  }
  if (components.length === 0) throw new RangeError(`${name}: components is empty, expected at least one map`);
  const map = new Int32Array(components.length * classes);
  const [counts, starts]: [number[], number[]] = [[], []];
  let total = 0;
  for (const [m, component] of components.entries()) {
    const where = `${name}: components[${m}]`;
    const own = lib.readOperand(component as TensorInput, where);
    lib.fitExactly(own, [classes], () => 'one group per class');
    let most = -1;
    for (let c = 0; c < classes; c++) {
      const group = Number(own.data[c]);
      if (!Number.isInteger(group) || group < 0 || group >= MOST) {
        throw new RangeError(`${where}[${c}] is ${group}, expected an integer from 0 to ${MOST - 1}`);
      }
      most = Math.max(most, group);
      map[m * classes + c] = total + group;
    }
    counts.push(most + 1);
    starts.push(total);
    total += most + 1;
  }
  const shapes = counts.map((count) => shapeWith(classed, count));
  return { classed, map, counts, starts, total, shapes };
}

/** Calls `use` with each component, each of its groups, and where the group of a block's samples is in the component's tensor. */
function eachGroup(
  { counts, starts, classed: { inner } }: Groups,
  { sample, samples }: Leaves,
  use: (component: number, output: number, placeOf: (s: number) => number) => void,
): void {
  if (samples === 0) return;
  for (const [m, count] of counts.entries()) {
    for (let g = 0; g < count; g++) {
      use(m, (starts[m] as number) + g, (s) => {
        const o = Math.floor((sample + s) / inner);
        return (o * count + g) * inner + (sample + s - o * inner);
      });
    }
  }
}

const KNOWN = ['components', 'axis', 'engine'] as const;

/** What both directions ask of the kernel. */
const jobOf = ({ classed, map, counts, total }: Groups, runtime: Survey['runtime']): Survey => ({
  classed,
  runtime,
  kernel: 'marginal',
  outputs: total,
  members: counts.length,
  groups: total,
  c: map,
});

function forward(logits: TensorInput, options: MarginalLogitsOptions): Tensor[] {
  const name = 'marginalLogits';
  const given = readOptions(name, options, KNOWN);
  const groups = readGroups(name, logits, given);
  const { total, shapes } = groups;
  const results = shapes.map((shape) => ({ data: new Float32Array(lib.sizeOf(shape)), shape }));
  if (total === 0) return results;
  survey({
    ...jobOf(groups, lib.runtimeOf(name, given.engine, [logits])),
    collect: (leaves) =>
      eachGroup(groups, leaves, (m, output, placeOf) => {
        const to = (results[m] as Tensor).data;
        for (const [s, value] of leaves.floats(output).entries()) to[placeOf(s)] = value;
      }),
  });
  return results;
}

function backward(gradOutputs: readonly TensorInput[], logits: TensorInput, options: MarginalLogitsOptions): Tensor {
  const name = 'marginalLogits.backward';
  const given = readOptions(name, options, KNOWN);
  const groups = readGroups(name, logits, given);
  const { classed, total, counts, shapes } = groups;
  if (!Array.isArray(gradOutputs)) {
    throw new TypeError(`${name}: gradOutputs is ${lib.describe(gradOutputs)}, expected an array of tensors`);
  }
  if (gradOutputs.length !== counts.length) {
    throw new RangeError(
      `${name}: gradOutputs has ${gradOutputs.length} tensors, expected ${counts.length}, one per component`,
    );
  }
  const incoming = Array.from(gradOutputs as readonly TensorInput[], (value, m) => {
    const operand = lib.readOperand(value, `${name}: gradOutputs[${m}]`);
    lib.fitExactly(operand, shapes[m] as readonly number[], () => 'the shape of the result');
    return operand;
  });
  const { operand } = classed;
  const to = new Float32Array(operand.length);
  if (total > 0) {
    const bring = (leaves: Leaves): void =>
      eachGroup(groups, leaves, (m, output, placeOf) => {
        const from = incoming[m]?.data as ArrayLike<number>;
        const own = leaves.floats(output);
        for (let s = 0; s < own.length; s++) own[s] = from[placeOf(s)] as number;
      });
    survey({
      ...jobOf(groups, lib.runtimeOf(name, given.engine, [logits])),
      gradient: { to, incoming: bring },
    });
  }
  return { data: to, shape: operand.shape ?? [operand.length] };
}

/**
 * The logits of the parts of a composite label: log Σ e^x over the classes that share a value of a part. Their softmax is the
 * distribution of that part, so no probability has to be turned back into a logit.
 *
 * For two values A and B the difference of their logits is the logit of a yes to A: sigmoid of it is P(A).
 * `marginalLogits.backward(gradOutputs, logits, options)` gives the gradient. A class with logit −Infinity is not there; a group
 * without any class has the logit −Infinity.
 *
 * @param logits - Logits over the joint classes [N, C], [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C]; [C] for one sample.
 * @param options - `components` (required: one class → group map per component, as `labelCodec` gives them), `axis` (1; 0 for 1-D),
 * `engine` (where the logits live, or the default one).
 * @returns One tensor per component, with its groups in place of the classes.
 * @throws RangeError for maps of the wrong length and groups that are no integers of 0 or more; TypeError for missing components and
 * for the wrong kind.
 * @example
 * import { labelCodec, marginalLogits } from 'lossmith/decide';
 * import { sigmoid } from 'lossmith';
 * const { components } = labelCodec([['A', 'B'], ['C', 'D']]);
 * const [first, second] = marginalLogits([[1.2, -0.3, 0.4, 0.1]], { components });
 * const [a, b] = first.data;
 * sigmoid([a - b]).data[0]; // => 0.60994
 * const [c, d] = second.data;
 * sigmoid([c - d]).data[0]; // => 0.72274
 */
export const marginalLogits: MarginalLogits = /* @__PURE__ */ Object.assign(/* @__PURE__ */ lib.guard(forward), {
  backward: /* @__PURE__ */ lib.guard(backward),
});
