// Several heads over the outputs of one linear layer: each head is the linear form of its loss over its own rows of weight and
// bias, whose gradients are added where they belong.

import { readFlag, readOptions } from '../entries/options.ts';
import { internals as lib } from '../index.ts';
import type { LinearGradient, LinearParameters } from '../values/linear.ts';
import type { NumericArray, Tensor, TensorInput } from '../values/types.ts';
import {
  arraysOf,
  type BaseLinear,
  type Checked,
  type Given,
  type HeadResult,
  type MultiHeadLinear,
  type MultiHeadLinearOptions,
  NAME,
  named,
  ofHead,
  prepareHeads,
  readTargets,
  readWeights,
  resultOf,
  stepHeads,
  totalOf,
  totalOfResults,
} from './heads.ts';

type Options = MultiHeadLinearOptions | undefined;
type Named<T> = Partial<Record<LinearGradient, T>>;

const GRADS = ['weight', 'bias', 'input'] as const;

/** A tensor of the layer, of which heads take rows. */
interface Part {
  readonly value: TensorInput;
  readonly shape: readonly number[];
  /** What heads read; undefined of a tensor of an engine, whose slices are views. */
  copy: Float32Array | undefined;
  /** Whether that is a copy indeed, and no array of the caller's. */
  owned: boolean;
}

/** A tensor of an engine. */
interface Sliced extends Tensor {
  slice(start: number, end: number): Tensor;
}

interface Layer {
  readonly features: Part;
  readonly weight: Part;
  readonly bias: Part | undefined;
}

interface Read {
  readonly layer: Layer;
  readonly own: Given;
  readonly weights: readonly number[];
  readonly scale: number;
  readonly grads: readonly LinearGradient[];
  readonly accumulate: boolean;
  readonly outs: Named<Tensor>;
  readonly live: unknown;
}

/** Reads a part; values that are no float32 are copied as such, and so are views of memory that moves. */
function readPart(value: unknown, where: string, axes: number, what: string): Part {
  const { data, shape: own, length } = lib.readOperand(value as TensorInput, where, true);
  const shape = own ?? [length];
  if (shape.length !== axes) throw new RangeError(`${where} has shape ${lib.show(shape)}, expected ${what}`);
  const part = { value: value as TensorInput, shape, owned: false };
  if (lib.residence(value as object) !== undefined) return { ...part, copy: undefined };
  if (stays(data)) return { ...part, copy: data };
  return { ...part, copy: Float32Array.from(data as ArrayLike<number>, Number), owned: true };
}

const stays = (data: NumericArray): data is Float32Array => data instanceof Float32Array && !lib.moves(data);

/** Rows of a part, in its own memory as it is at each step. */
function rowsOf(part: Part, from: number, to: number): Tensor {
  const { value, shape } = part;
  if (part.copy === undefined) return (value as Sliced).slice(from, to);
  const row = lib.sizeOf(shape.slice(1));
  return {
    get data() {
      return (part.copy as Float32Array).subarray(from * row, to * row);
    },
    shape: [to - from, ...shape.slice(1)],
  };
}

/** The whole of a part. */
const wholeOf = (part: Part): TensorInput =>
  part.copy === undefined ? part.value : rowsOf(part, 0, part.shape[0] as number);

function readLayer(name: string, heads: readonly Checked[], features: unknown, parameters: unknown): Layer {
  const input = readPart(features, `${name}: features`, 2, '[N, D]');
  const { weight: w, bias: b } = lib.readParameters(name, parameters);
  const weight = readPart(w, `${name}: weight`, 2, '[K, D]');
  const [outputs, depth] = weight.shape as [number, number];
  if (depth !== input.shape[1]) {
    const sizes = `weight ${lib.show(weight.shape)} and features ${lib.show(input.shape)}`;
    throw new RangeError(`${name}: ${sizes}: expected weight [K, ${input.shape[1]}]`);
  }
  for (const { name: head, from, width } of heads) {
    if (from + width <= outputs) continue;
    throw new RangeError(
      `${name}: weight has ${outputs} rows, but head ${JSON.stringify(head)} ends at ${from + width}`,
    );
  }
  const bias = b === undefined || b === null ? undefined : readPart(b, `${name}: bias`, 1, `[${outputs}]`);
  if (bias && bias.shape[0] !== outputs) {
    throw new RangeError(`${name}: bias has shape ${lib.show(bias.shape)}, expected [${outputs}], one per output`);
  }
  return { features: input, weight, bias };
}

/** Which gradients are wanted. */
function readGrads(name: string, grads: unknown, biased: boolean): readonly LinearGradient[] {
  if (grads === undefined) return GRADS.filter((grad) => biased || grad !== 'bias');
  if (!Array.isArray(grads))
    throw new TypeError(`${name}: grads is ${lib.describe(grads)}, expected an array of names`);
  const wrong = grads.find((grad) => !GRADS.includes(grad));
  if (wrong !== undefined || grads.length === 0) {
    const got = grads.length === 0 ? 'is empty' : `holds ${lib.describe(wrong)}`;
    throw new RangeError(`${name}: grads ${got}, expected some of ${GRADS.join(', ')}`);
  }
  if (grads.includes('bias') && !biased) throw new RangeError(`${name}: grads holds 'bias', but there is no bias`);
  return GRADS.filter((grad) => grads.includes(grad));
}

/** Which gradients are asked for, and where: what else there is, no gradient may go over. */
interface Asked {
  readonly grads: readonly LinearGradient[];
  readonly out: unknown;
  readonly needed: boolean;
  readonly others: readonly NumericArray[];
}

/** Where the gradients go: what was given, or, unless that is needed, new tensors. None overlaps another argument. */
function readOuts(
  name: string,
  { features, weight, bias }: Layer,
  { grads, out, needed, others }: Asked,
): Named<Tensor> {
  const wrong = typeof out !== 'object' || out === null || Array.isArray(out) || lib.isTyped(out) || 'data' in out;
  if (out !== undefined && wrong) {
    throw new TypeError(`${name}: out is ${lib.describe(out)}, expected an object { weight, bias, input }`);
  }
  const given = (out ?? {}) as Given;
  const unwanted = Object.keys(given).find((key) => given[key] !== undefined && !grads.includes(key as LinearGradient));
  if (unwanted !== undefined) {
    throw new RangeError(`${name}: out has ${JSON.stringify(unwanted)}, but the gradients are ${grads.join(', ')}`);
  }
  const shapes: Named<readonly number[] | undefined> = {
    weight: weight.shape,
    bias: bias?.shape,
    input: features.shape,
  };
  const outs: Named<Tensor> = {};
  const parts = [features, weight, bias].flatMap((part) => (part ? [part.copy ?? (part.value as Tensor).data] : []));
  const taken = [...parts, ...others];
  for (const grad of grads) {
    const shape = shapes[grad] as readonly number[];
    if (given[grad] === undefined) {
      if (needed) throw new RangeError(`${name}: accumulate needs out.${grad}, to which the gradient is added`);
      outs[grad] = { data: new Float32Array(lib.sizeOf(shape)), shape };
      continue;
    }
    const to = lib.readOut(given[grad], shape, `${name}: out.${grad}`);
    if (taken.some((other) => lib.isTyped(other) && lib.overlap(to.data, other))) {
      throw new RangeError(`${name}: out.${grad} overlaps another argument, expected memory of its own`);
    }
    taken.push(to.data);
    outs[grad] = lib.receiver(to, shape);
  }
  return outs;
}

/** The linear form of a head's loss. */
function formOf({ name, loss }: Checked): BaseLinear {
  if (typeof loss.linear === 'function') return loss.linear;
  throw new TypeError(`${NAME}.linear: ${loss.name || 'the loss'} of head ${JSON.stringify(name)} has no form linear`);
}

class Linear {
  readonly #heads: readonly Checked[];

  constructor(heads: readonly Checked[]) {
    this.#heads = heads;
  }

  /** `prepared`: gradients of several steps may add up in tensors of the step. */
  #read(
    name: string,
    features: unknown,
    parameters: unknown,
    targets: unknown,
    options: Options,
    prepared = false,
  ): Read {
    const given = readOptions(name, options, ['grads', 'out', 'accumulate', 'scale', 'weights']);
    const layer = readLayer(name, this.#heads, features, parameters);
    const grads = readGrads(name, given.grads, layer.bias !== undefined);
    const accumulate = readFlag(given.accumulate ?? false, `${name}: accumulate`);
    const own = readTargets(this.#heads, name, targets);
    const others = given.out === undefined ? [] : arraysOf(this.#heads, own);
    return {
      layer,
      own,
      weights: readWeights(this.#heads, name, given.weights),
      scale: lib.readNumber(given.scale ?? 1, `${name}: scale`, lib.FINITE),
      grads,
      accumulate,
      outs: readOuts(name, layer, { grads, out: given.out, needed: accumulate && !prepared, others }),
      live: given.weights,
    };
  }

  /** The rows of a head. */
  #layerOf({ from, width }: Checked, { weight, bias }: Layer): LinearParameters {
    const to = from + width;
    return { weight: rowsOf(weight, from, to), ...(bias && { bias: rowsOf(bias, from, to) }) };
  }

  /** Computes the losses and adds the gradients, each times a factor, to what `outs` holds. */
  #add(read: Read, factors: readonly number[]): HeadResult[] {
    const { layer, own, outs, grads } = read;
    const features = wholeOf(layer.features);
    return this.#heads.map((head, i) => {
      const { name, from, width, outputs, options } = head;
      const form = formOf(head);
      const factor = factors[i] as number;
      const rows = this.#layerOf(head, layer);
      const compute = (run: () => HeadResult): HeadResult => ofHead(head, () => resultOf(run()));
      if (factor === 0) return compute(() => form.forward(features, rows, own[name], { ...options, outputs }));
      const out: Named<Tensor> = {};
      for (const grad of grads) {
        const { data, shape } = outs[grad] as Tensor;
        const row = lib.sizeOf(shape.slice(1));
        const part = grad === 'input' ? data : data.subarray(from * row, (from + width) * row);
        out[grad] = { data: part, shape: grad === 'input' ? shape : [width, ...shape.slice(1)] };
      }
      const scale = factor * ((options.scale as number | undefined) ?? 1);
      const more = { outputs, scale, grads, out, accumulate: true };
      return compute(() => form(features, rows, own[name], { ...options, ...more }));
    });
  }

  /** Empties what the gradients are written to. */
  #start({ outs, grads, accumulate }: Read): void {
    if (!accumulate) for (const grad of grads) outs[grad]?.data.fill(0);
  }

  fused(features: unknown, parameters: unknown, targets: unknown, options: Options) {
    const read = this.#read(`${NAME}.linear`, features, parameters, targets, options);
    const { weights, scale, outs } = read;
    this.#start(read);
    const results = this.#add(
      read,
      weights.map((weight) => weight * scale),
    );
    const loss = totalOfResults(results, weights);
    return { loss, grad: outs, heads: named(this.#heads, results) };
  }

  forward(features: unknown, parameters: unknown, targets: unknown, options: Options) {
    const read = this.#read(`${NAME}.linear.forward`, features, parameters, targets, options);
    const results = this.#add(
      read,
      this.#heads.map(() => 0),
    );
    return {
      loss: totalOfResults(results, read.weights),
      heads: named(this.#heads, results),
    };
  }

  backward(gradOutput: unknown, features: unknown, parameters: unknown, targets: unknown, options: Options) {
    const name = `${NAME}.linear.backward`;
    const incoming = lib.readNumber(gradOutput, `${name}: gradOutput`, lib.FINITE);
    const read = this.#read(name, features, parameters, targets, options);
    this.#start(read);
    this.#add(
      read,
      read.weights.map((weight) => weight * read.scale * incoming),
    );
    return { grad: read.outs };
  }

  prepare(features: unknown, parameters: unknown, targets: unknown, options: Options) {
    const name = `${NAME}.linear.prepare`;
    const read = this.#read(name, features, parameters, targets, options, true);
    const { layer, own, scale, grads, outs, accumulate, live } = read;
    const input = wholeOf(layer.features);
    const buffers = this.#heads.map(({ width }) => {
      const [rows, depth] = layer.features.shape as [number, number];
      const shapes: Record<LinearGradient, readonly number[]> = {
        weight: [width, depth],
        bias: [width],
        input: [rows, depth],
      };
      return Object.fromEntries(
        grads.map((grad) => [grad, { data: new Float32Array(lib.sizeOf(shapes[grad])), shape: shapes[grad] }]),
      );
    });
    const steps = prepareHeads(this.#heads, (head, i) => {
      const { name: of, outputs, options: given } = head;
      const more = { outputs, grads, out: buffers[i] };
      return formOf(head).prepare(input, this.#layerOf(head, layer), own[of], { ...given, ...more });
    });
    let losses = steps.map(() => Number.NaN);
    let freed = false;
    const step = (): number => {
      if (freed) throw new TypeError(`${name}: this step was freed`);
      for (const part of [layer.features, layer.weight, layer.bias]) if (part) refresh(name, part);
      const weights = readWeights(this.#heads, name, live);
      losses = steps.map((run, i) => ofHead(this.#heads[i] as Checked, run));
      if (!accumulate) for (const grad of grads) outs[grad]?.data.fill(0);
      for (const [i, { from }] of this.#heads.entries()) {
        const factor = (weights[i] as number) * scale;
        if (factor === 0) continue;
        for (const grad of grads) {
          const { data, shape } = outs[grad] as Tensor;
          const added = ((buffers[i] as Named<Tensor>)[grad] as Tensor).data;
          const start = grad === 'input' ? 0 : from * lib.sizeOf(shape.slice(1));
          for (let k = 0; k < added.length; k++) {
            data[start + k] = lib.real((data[start + k] as number) + factor * (added[k] as number));
          }
        }
      }
      return totalOf(losses, weights);
    };
    const free = (): void => {
      freed = true;
      for (const run of steps) run.free();
    };
    const heads = named(
      this.#heads,
      stepHeads(steps, () => losses),
    );
    const made = Object.assign(lib.guard(step), { grad: outs, heads, free });
    if (Symbol.dispose) Object.defineProperty(made, Symbol.dispose, { value: free });
    return made;
  }
}

/** Takes the present values of arrays that had to be copied. */
function refresh(name: string, part: Part): void {
  const { value, shape, copy } = part;
  if (copy === undefined) return;
  const { data, length } = lib.readOperand(value, name, true);
  if (data === copy) return;
  if (length !== copy.length) {
    throw new TypeError(
      `${name}: an argument has ${length} values, expected ${copy.length} (${lib.show(shape)}) as before`,
    );
  }
  if (stays(data)) part.copy = data;
  else if (part.owned) for (let i = 0; i < copy.length; i++) copy[i] = Number(data[i]);
  else part.copy = Float32Array.from(data as ArrayLike<number>, Number);
  part.owned = !stays(data);
}

/** The linear forms of heads. */
export function linearOf<N extends string>(heads: readonly Checked[]): MultiHeadLinear<N> {
  const all = new Linear(heads);
  const forms = {
    forward: lib.guard((...args: Parameters<Linear['forward']>) => all.forward(...args)),
    backward: lib.guard((...args: Parameters<Linear['backward']>) => all.backward(...args)),
    prepare: lib.guard((...args: Parameters<Linear['prepare']>) => all.prepare(...args)),
  };
  const fused = Object.assign(
    lib.guard((...args: Parameters<Linear['fused']>) => all.fused(...args)),
    forms,
  );
  Object.defineProperty(fused, 'name', { value: `${NAME}.linear` });
  // the names tie targets and results to the heads, and which gradients there are follows from the options
  return Object.freeze(fused) as unknown as MultiHeadLinear<N>;
}
