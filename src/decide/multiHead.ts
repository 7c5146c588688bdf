// Several losses over the columns of one row of outputs: one total, one gradient, the loss of each.

import { readOptions } from '../entries/options.ts';
import { internals as lib } from '../index.ts';
import type { Tensor, TensorInput } from '../values/types.ts';
import { addColumns, takeColumns } from './columns.ts';
import {
  arraysOf,
  type Checked,
  type Head,
  type MultiHeadForward,
  type MultiHeadLoss,
  type MultiHeadOptions,
  type MultiHeadResult,
  type MultiHeadStep,
  NAME,
  named,
  ofHead,
  prepareHeads,
  readHead,
  readTargets,
  readWeights,
  resultOf,
  stepHeads,
  totalOf,
  totalOfResults,
} from './heads.ts';
import { linearOf } from './headsLinear.ts';

/** Logits with a row for each sample. */
interface Rows {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

const newGradient = (shape: readonly number[]): Tensor => ({ data: new Float32Array(lib.sizeOf(shape)), shape });

class MultiHead {
  readonly #heads: readonly Checked[];

  constructor(heads: readonly Checked[]) {
    this.#heads = heads;
  }

  #rows(name: string, logits: TensorInput): Rows {
    const operand = lib.readOperand(logits, `${name}: logits`, true);
    const { shape, length } = operand;
    if (shape?.length !== 2) {
      throw new RangeError(`${name}: logits has shape ${lib.show(shape ?? [length])}, expected [N, K]`);
    }
    const [rows, columns] = shape as [number, number];
    for (const { name: head, from, width } of this.#heads) {
      if (from + width <= columns) continue;
      throw new RangeError(
        `${name}: logits has ${columns} columns, but head ${JSON.stringify(head)} ends at ${from + width}`,
      );
    }
    return {
      get data() {
        return operand.data as Float32Array; // every kind of array can be copied into one of float32
      },
      rows,
      columns,
    };
  }

  /** The columns of a head, side by side. */
  #take({ from, width, outputs }: Checked, { data, rows, columns }: Rows, to?: Float32Array): Tensor {
    const own = to ?? new Float32Array(rows * width);
    takeColumns(data, columns, from, own, width);
    return { data: own, shape: [rows, ...outputs] };
  }

  /** Adds the gradients of the heads up. */
  #gather(grad: Float32Array, columns: number, grads: readonly Float32Array[], factors: readonly number[]): void {
    grad.fill(0);
    for (const [i, { from, width }] of this.#heads.entries()) {
      const factor = factors[i] as number;
      if (factor !== 0) addColumns(grads[i] as Float32Array, width, grad, columns, from, factor);
    }
  }

  #read(name: string, logits: TensorInput, targets: unknown, options: MultiHeadOptions | undefined) {
    const given = readOptions(name, options, ['out', 'scale', 'weights']);
    const rows = this.#rows(name, logits);
    const scale = lib.readNumber(given.scale ?? 1, `${name}: scale`, lib.FINITE);
    const weights = readWeights(this.#heads, name, given.weights);
    const shape = [rows.rows, rows.columns];
    const out = given.out === undefined ? undefined : lib.readOut(given.out, shape, `${name}: out`);
    const own = readTargets(this.#heads, name, targets);
    if (out) lib.checkOut(name, out.data, { name: 'logits', array: rows.data }, arraysOf(this.#heads, own));
    const to = out && lib.receiver(out, shape);
    return { rows, scale, weights, own, shape, to, live: given.weights };
  }

  /** The logits of all heads, before a loss makes memory grow in which they may lie. */
  #takeAll(rows: Rows): Tensor[] {
    return this.#heads.map((head) => this.#take(head, rows));
  }

  fused(logits: TensorInput, targets: unknown, options?: MultiHeadOptions): MultiHeadResult<string> {
    const { rows, scale, weights, own, shape, to } = this.#read(NAME, logits, targets, options);
    const inputs = this.#takeAll(rows);
    const results = this.#heads.map((head, i) => {
      const input = inputs[i] as Tensor;
      return ofHead(head, () => resultOf(head.loss(input, own[head.name], { ...head.options, out: input.data })));
    });
    const grad = to ?? newGradient(shape);
    const factors = weights.map((weight) => weight * scale);
    this.#gather(
      grad.data,
      rows.columns,
      inputs.map((input) => input.data),
      factors,
    );
    const loss = totalOfResults(results, weights);
    return { loss, grad, heads: named(this.#heads, results) };
  }

  forward(logits: TensorInput, targets: unknown, options?: MultiHeadOptions): MultiHeadForward<string> {
    const { rows, weights, own } = this.#read(`${NAME}.forward`, logits, targets, options);
    const inputs = this.#takeAll(rows);
    const results = this.#heads.map((head, i) =>
      ofHead(head, () => resultOf(head.loss.forward(inputs[i] as Tensor, own[head.name], head.options))),
    );
    return {
      loss: totalOfResults(results, weights),
      heads: named(this.#heads, results),
    };
  }

  backward(gradOutput: number, logits: TensorInput, targets: unknown, options?: MultiHeadOptions): { grad: Tensor } {
    const name = `${NAME}.backward`;
    const incoming = lib.readNumber(gradOutput, `${name}: gradOutput`, lib.FINITE);
    const { rows, scale, weights, own, shape, to } = this.#read(name, logits, targets, options);
    const inputs = this.#takeAll(rows);
    for (const [i, head] of this.#heads.entries()) {
      const input = inputs[i] as Tensor;
      ofHead(head, () => head.loss.backward(1, input, own[head.name], { ...head.options, out: input.data }));
    }
    const grad = to ?? newGradient(shape);
    const factors = weights.map((weight) => weight * scale * incoming);
    this.#gather(
      grad.data,
      rows.columns,
      inputs.map((input) => input.data),
      factors,
    );
    return { grad };
  }

  prepare(logits: TensorInput, targets: unknown, options?: MultiHeadOptions): MultiHeadStep<string> {
    const name = `${NAME}.prepare`;
    const { rows, scale, own, shape, to, live } = this.#read(name, logits, targets, options);
    const grad = to ?? newGradient(shape);
    const inputs = this.#takeAll(rows);
    const steps = prepareHeads(this.#heads, ({ name: head, loss, options: given }, i) => {
      const input = inputs[i] as Tensor;
      return loss.prepare(input, own[head], { ...given, out: input.data });
    });
    const buffers = inputs.map((input) => input.data);
    let losses = steps.map(() => Number.NaN);
    let freed = false;
    const step = (): number => {
      if (freed) throw new TypeError(`${name}: this step was freed`);
      const now = this.#rows(name, logits);
      if (now.rows !== rows.rows || now.columns !== rows.columns) {
        const got = lib.show([now.rows, now.columns]);
        throw new TypeError(`${name}: logits has shape ${got}, expected ${lib.show(shape)} as before`);
      }
      const weights = readWeights(this.#heads, name, live);
      for (const [i, head] of this.#heads.entries()) this.#take(head, now, buffers[i]);
      losses = steps.map((run, i) => ofHead(this.#heads[i] as Checked, run));
      const factors = weights.map((weight) => weight * scale);
      this.#gather(grad.data, rows.columns, buffers, factors);
      return totalOf(losses, weights);
    };
    const heads = stepHeads(steps, () => losses);
    const free = (): void => {
      freed = true;
      for (const run of steps) run.free();
    };
    const made = Object.assign(lib.guard(step), { grad, heads: named(this.#heads, heads), free });
    if (Symbol.dispose) Object.defineProperty(made, Symbol.dispose, { value: free });
    return made as unknown as MultiHeadStep<string>; // with a dispose where the runtime knows it
  }
}

/**
 * Several losses over one row of outputs: heads of different sizes and losses, each over its own columns of logits [N, K], one
 * total and one gradient.
 *
 * A head sees [N, to − from], or with `outputs` [N, …outputs] with its class axis at 1. Heads may share columns, whose gradients add;
 * columns that no head has get 0. A head with weight 0 adds nothing. Rows without a target are left to the options of the loss
 * (`ignoreIndex`, `ignoreValue`; `emptyMean: 'zero'` where a batch may have no target for a head at all).
 *
 * @param heads - `{ name, columns: [from, to], outputs?, loss, options?, weight? }` each: `to` is exclusive, `loss` any loss of this
 * package with one input (of any engine), `options` its own (`reduction` 'mean', 'sum' or 'batchmean'), `weight` 1.
 * @returns A loss `(logits, { name: target }, { out, scale, weights })` → `{ loss, grad, heads }`, with `forward`, `backward(gradOutput,
 * …)`, `prepare` and `linear`; `heads[name]` has `loss` (before its weight), `sum`, `count`, `weightSum`. `weights` by name take the place of
 * those of the heads. `linear(features, { weight, bias }, { name: target }, { grads, out, accumulate, scale, weights })` is the same
 * loss of the outputs of a linear layer, rows from … to − 1 of its weight [K, D] being those of a head.
 * @throws RangeError for columns that do not fit and for reduction 'none'; TypeError for a missing or unknown target and for the
 * wrong kind.
 * @example
 * import { bceWithLogits, crossEntropy } from 'lossmith';
 * import { multiHead } from 'lossmith/decide';
 * const loss = multiHead([
 *   { name: 'tone', columns: [0, 3], loss: crossEntropy, options: { labels: [-1, 0, 1] } },
 *   { name: 'tags', columns: [3, 5], loss: bceWithLogits, weight: 0.5 },
 * ]);
 * const logits = [[2, 0.1, -1, 0.4, -0.2], [0.3, 0.2, 1.5, -1, 2]];
 * const { loss: total, grad, heads } = loss(logits, { tone: [-1, 1], tags: [[1, 0], [0, 1]] });
 * total; // => 0.511533
 * grad.shape.join(); // => "2,5"
 * heads.tone.loss; // => 0.317615
 */
export const multiHead: <const N extends string>(heads: readonly Head<N>[]) => MultiHeadLoss<N> =
  /* @__PURE__ */ lib.guard(<const N extends string>(heads: readonly Head<N>[]): MultiHeadLoss<N> => {
    if (!Array.isArray(heads))
      throw new TypeError(`${NAME}: heads is ${lib.describe(heads)}, expected an array of heads`);
    if (heads.length === 0) throw new RangeError(`${NAME}: heads is empty, expected at least one`);
    const checked = Array.from(heads as readonly Head[], readHead);
    const twice = checked.find(({ name }, i) => checked.findIndex((head) => head.name === name) !== i);
    if (twice)
      throw new RangeError(`${NAME}: heads has the name ${JSON.stringify(twice.name)} twice, expected distinct names`);
    const all = new MultiHead(checked);
    const loss = Object.assign(
      lib.guard((logits: TensorInput, targets: unknown, options?: MultiHeadOptions) =>
        all.fused(logits, targets, options),
      ),
      {
        forward: lib.guard((logits: TensorInput, targets: unknown, options?: MultiHeadOptions) =>
          all.forward(logits, targets, options),
        ),
        backward: lib.guard((gradOutput: number, logits: TensorInput, targets: unknown, options?: MultiHeadOptions) =>
          all.backward(gradOutput, logits, targets, options),
        ),
        prepare: lib.guard((logits: TensorInput, targets: unknown, options?: MultiHeadOptions) =>
          all.prepare(logits, targets, options),
        ),
        linear: linearOf(checked),
      },
    );
    Object.defineProperty(loss, 'name', { value: NAME });
    return Object.freeze(loss) as MultiHeadLoss<N>; // the names tie targets and results to the heads
  });
