/** A problem as a call of a kernel: a Plan, its operands placed, and what it leaves behind as the outcome of a form. */
import { FLAGS } from '../../../src/generated/plan.ts';
import type { OptionRecord } from '../../../src/losses/record.ts';
import { denseOf } from '../../reference/draws.ts';
import { isSparse, type Tensor64 } from '../../reference/index.ts';
import { sampleOf, sizeOf } from '../../reference/layout.ts';
import type { Tensor32 } from '../api.ts';
import type { Outcome } from '../judge.ts';
import { isActivation, isElementwise } from '../losses.ts';
import { Rejected } from '../rejected.ts';
import type { Operand, Problem } from '../types.ts';
import { Arena } from './arena.ts';
import { classStrides, type Rows, repeated, rowsOf, type StrideDraw, type Strided } from './layout.ts';

export interface AbiDraw {
  readonly input: StrideDraw;
  readonly target: StrideDraw;
  readonly grad: StrideDraw;
  /** The gradient goes over the input. */
  readonly inPlace: boolean;
  /** Long rows go by tiles. */
  readonly columns: boolean;
  /** Where the class axis is cut, in classes; 0: nowhere. */
  readonly part: number;
}

/** The numbers of options that name one of several. */
const choices: Partial<Readonly<Record<OptionRecord['kind'], readonly unknown[]>>> = {
  flag: [false, true],
  activation: ['softmax', 'sigmoid', 'none'],
  group: ['sample', 'batch'],
};

const NO_INDEX = -100;
/** Classes of a block, but of the last, are a multiple of this. */
export const PART = 2048;
/** Samples that a call may have whose class axis is cut. */
const MOST_SAMPLES = 64;

const tensorOf = (data: Float32Array, shape: readonly number[]): Tensor32 => ({ data, shape });
const itself = (i: number): number => i;

export class KernelCall {
  readonly arena: Arena;
  readonly problem: Problem;
  readonly draw: AbiDraw;
  readonly #kernel: string;
  readonly #size: number;
  readonly #rows: Rows | undefined;
  #flags = 0;
  #grad: Strided | undefined;
  #gradAt = 0;
  #lossAt = 0;
  #partSums = 0;
  #partsAt = 0;
  #members = 0;
  #side: { readonly at: number; readonly places: readonly number[]; readonly tensor: Tensor64 } | undefined;

  constructor(instance: WebAssembly.Instance, problem: Problem, draw: AbiDraw) {
    this.problem = problem;
    this.draw = draw;
    const { record } = problem.entry;
    this.#kernel = record.kernel ?? record.name;
    this.#size = problem.input.tensor.data.length;
    this.#rows = isElementwise(problem.entry) ? rowsOf(problem.draw.shape) : undefined;
    if (this.#size === 0) throw new Rejected('there is nothing to compute');
    if (isElementwise(problem.entry) && !this.#rows) throw new Rejected('more than three axes');
    const { layout } = problem;
    const rows = record.rows && layout.inner === 1 && !draw.columns;
    if (draw.part > 0 && (layout.samples > (rows ? 1 : MOST_SAMPLES) || record.walk === 'group' || this.#rows)) {
      throw new Rejected('an axis is cut of a few samples only');
    }
    this.arena = new Arena(instance);
    this.#place(rows ?? false);
  }

  #place(byRows: boolean): void {
    const { entry, layout, input, truth } = this.problem;
    const { arena, draw } = this;
    const { record } = entry;
    const rows = this.#rows;
    const numbers = Object.fromEntries(
      Object.entries(record.options).flatMap(([name, option]) => this.#numberOf(name, option)),
    );
    arena.set({ ...record.fixed, ...numbers, phase: FLAGS.EVERY_PHASE, bad: -1, ignoreIndex: NO_INDEX });
    if (record.log) this.#flags |= FLAGS.LOG;
    const flat: Strided = { step: 0, outer: 0, place: itself, words: this.#size };
    const strided = (of: StrideDraw): Strided => (rows ? flat : classStrides(layout, of));
    const x = strided(draw.input);
    const inputAt = arena.put('input', input.tensor.data, x.place, x.words, draw.input.offset);
    arena.set({ input: inputAt, inputOuter: x.outer, inputStep: x.step });
    if (rows) arena.set({ ...rows, total: this.#size });
    else {
      const { outer, classes, inner } = layout;
      arena.set({ outer, middle: classes, inner, total: classes });
      if (!byRows) this.#flags |= FLAGS.COLUMNS;
    }
    this.#target(strided(draw.target));
    for (const operand of this.problem.operands) this.#operand(operand);
    for (const [name, { to }] of Object.entries(record.options)) this.#constant(name, to);
    this.#second();
    if (record.walk === 'group')
      arena.set({ members: truth.per === 'batch' ? layout.samples : layout.samples / layout.batch });
    this.#grad = draw.inPlace ? x : strided(draw.grad);
    const { place, words, outer, step } = this.#grad;
    const own = new Set(Array.from({ length: this.#size }, (_, i) => place(i)));
    if (draw.inPlace) {
      arena.release('input', own);
      this.#gradAt = inputAt;
    } else this.#gradAt = arena.room(words, draw.grad.offset, own);
    arena.set({ gradOuter: outer, gradStep: step });
  }

  /** The parameter that an option sets. */
  #numberOf(name: string, { kind, to, default: standard }: OptionRecord): [string, number][] {
    if (to === undefined || !/^p\d$/.test(to)) return [];
    const value = (this.problem.truth as Readonly<Record<string, unknown>>)[name] ?? standard;
    if (value === undefined) return [];
    const place = choices[kind]?.indexOf(value) ?? -1;
    return [[to, place >= 0 ? place : Number(value)]];
  }

  #target(y: Strided): void {
    const { target, entry, inputs, gradOutput } = this.problem;
    if (isActivation(entry)) this.#values('gradOutput', gradOutput.tensor.data, y);
    else if (target?.role === 'indices') this.#indices(this.#classes(target.tensor.data));
    else if (inputs.target !== undefined) this.#dense(y);
  }

  /** Values that lie as the input does. */
  #values(name: string, values: ArrayLike<number>, { place, words, outer, step }: Strided): void {
    const target = this.arena.put(name, values, place, words, this.draw.target.offset);
    this.arena.set({ target, targetOuter: outer, targetStep: step });
  }

  /** A target of the input's shape; of sets of classes also which are empty. */
  #dense(y: Strided): void {
    const { entry, inputs, truth, layout, draw } = this.problem;
    const given = inputs.target!;
    const axis = isElementwise(entry) ? -1 : truth.axis;
    const { data } = isSparse(given) ? denseOf(given, draw.shape, axis) : given;
    this.#values('target', data, y);
    if (entry.record.target !== 'sets') return;
    const counts = new Float64Array(layout.samples);
    data.forEach((v, i) => {
      if (v !== 0) counts[sampleOf(layout, i)]! += 1;
    });
    this.#indices(Array.from(counts, (n) => (n === 0 ? NO_INDEX : 0)));
  }

  /** Class indices of labels, ignored ones as the kernel marks them. */
  #classes(raw: Float64Array): number[] {
    const { labels, ignoreIndex = NO_INDEX } = this.problem.truth;
    if (labels === undefined) {
      this.arena.set({ ignoreIndex });
      return Array.from(raw);
    }
    return Array.from(raw, (value) => (value === ignoreIndex ? NO_INDEX : labels.indexOf(value)));
  }

  #indices(values: readonly number[]): void {
    this.arena.set({ indices: this.arena.integers('indices', values, this.draw.target.offset) });
    this.#flags |= FLAGS.INDICES;
  }

  /** An operand that was given as a number: one value, wherever the kernel stands. */
  #constant(name: string, to: string | undefined): void {
    const { truth, entry } = this.problem;
    const value = (truth as Readonly<Record<string, unknown>>)[name];
    if (typeof value !== 'number' || to === undefined || !/^[abcd]$/.test(to)) return;
    if (name === entry.record.second) throw new Rejected('a number has no gradient of its own');
    this.arena.set({ [to]: this.arena.put(name, [value], itself, 1, this.draw.target.offset) });
    if (to === 'a' && entry.record.mean === 'weights') this.#flags |= FLAGS.WEIGHS;
  }

  #operand(operand: Operand): void {
    const { record } = this.problem.entry;
    const { name, tensor } = operand;
    const { kind, to } = record.options[name] ?? {};
    const { arena } = this;
    if (kind === 'components') this.#components(tensor);
    // labels are in the indices, and weights of components are placed with those
    if (kind === 'components' || kind === 'labels' || kind === 'perComponent') return;
    if (to === undefined || !/^[abcd]$/.test(to)) throw new Rejected(`option ${name} goes elsewhere`);
    if (!this.#rows) {
      arena.set({ [to]: arena.put(name, tensor.data, itself, tensor.data.length, this.draw.target.offset) });
      if (to === 'a' && record.mean === 'weights' && this.#flags & FLAGS.INDICES) this.#flags |= FLAGS.WEIGHS;
      return;
    }
    // of a variance of rows the last axis is one of size 1
    const own =
      kind === 'variance' && tensor.shape.length < this.problem.draw.shape.length ? [...tensor.shape, 1] : tensor.shape;
    // what the mean divides by is read like the target
    const pad = kind === 'perElement' ? 0 : this.draw.target.step;
    const { middle, inner } = this.#rows;
    const { places, words, ...how } = repeated(own, this.#rows, pad);
    const strides = kind === 'perElement' ? ([middle * inner, inner, 1] as const) : how.strides;
    const at = arena.put(name, tensor.data, (i) => places[i]!, words, this.draw.target.offset);
    arena.set({ [to]: at, [`${to}0`]: strides[0], [`${to}1`]: strides[1], [`${to}2`]: strides[2] });
    if (to === 'a' && record.mean === 'weights') this.#flags |= FLAGS.WEIGHS;
    if (name !== record.second) return;
    const side = arena.room(words, this.draw.grad.offset, new Set(places));
    this.#side = { at: side, places, tensor };
  }

  #components({ data, shape }: Tensor64): void {
    const { arena } = this;
    const { truth, layout } = this.problem;
    const [count = 0, classes = 0] = shape;
    const joint = truth.jointWeight ?? 0;
    const all = joint === 0 ? [] : Array.from({ length: classes }, (_, c) => c);
    this.#members = count + (joint === 0 ? 0 : 1);
    const weights = [...(truth.weights ?? Array.from({ length: count }, () => 1)), ...(joint === 0 ? [] : [joint])];
    arena.set({
      c: arena.integers('components', [...data, ...all], 1),
      d: arena.put('weights', weights, itself, weights.length, 1),
      members: this.#members,
    });
    this.#partSums = arena.zeros(this.#members);
    arena.set({ partSums: this.#partSums });
    if (truth.reduction !== 'none') return;
    this.#partsAt = arena.room(this.#members * layout.samples, 1);
    arena.set({ parts: this.#partsAt, partStep: layout.samples });
  }

  /** An input beside the first. */
  #second(): void {
    const { second } = this.problem;
    if (!second) return;
    const { data } = second.tensor;
    const { arena } = this;
    arena.set({ d: arena.put(second.name, data, itself, data.length, 3) });
    this.#side = { at: arena.room(data.length, 2), places: Array.from(data.keys()), tensor: second.tensor };
  }

  /** Asks for scratch, scans, and computes; `upstream`: with the gradient that was drawn, else with 1. */
  run(upstream: boolean): Outcome {
    const { arena, problem } = this;
    const { truth, entry, lossShape } = problem;
    const { marker } = { marker: truth.ignoreValue };
    if (marker !== undefined) {
      this.#flags |= FLAGS.IGNORE;
      arena.set({ marker });
    }
    if (this.draw.part > 0) this.#flags |= FLAGS.CUT;
    const none = truth.reduction === 'none';
    const losses = sizeOf(lossShape);
    if (none) {
      this.#lossAt = arena.room(losses, this.draw.grad.offset);
      arena.set({ loss: this.#lossAt });
    }
    arena.set({ flags: this.#flags, grad: this.#gradAt, ...(this.#side && { sideGrad: this.#side.at }) });
    if (upstream && none && !isActivation(entry)) {
      const { data } = problem.gradOutput.tensor;
      arena.set({ incoming: arena.put('gradOutput', data, itself, data.length, 1) });
    }
    if (this.draw.part > 0) arena.set({ middle: Math.min(this.draw.part, problem.layout.classes) });
    arena.set({ scratch: arena.scratch(arena.call(this.#kernel)) });
    const { count, weightSum } = this.#scan(losses);
    this.#pull(upstream, count, weightSum);
    if (this.draw.part > 0) this.#cut();
    else arena.call(this.#kernel);
    return this.#outcome(count, weightSum);
  }

  #scan(losses: number): { readonly count: number; readonly weightSum: number } {
    const { entry, truth } = this.problem;
    const { arena } = this;
    const { record } = entry;
    const weighted = record.walk === 'class' && arena.get('b') !== 0;
    const scans = isElementwise(entry)
      ? truth.ignoreValue !== undefined || (this.#flags & FLAGS.WEIGHS) !== 0
      : ((this.#flags & FLAGS.INDICES) !== 0 || weighted) && record.walk !== 'group';
    if (!scans) return { count: losses, weightSum: losses };
    arena.call(isElementwise(entry) ? 'scanElements' : 'scanSamples');
    return { count: arena.get('count'), weightSum: arena.get('weightSum') };
  }

  /** What multiplies the gradients. */
  #pull(upstream: boolean, count: number, weightSum: number): void {
    const { truth, entry, lossShape, layout } = this.problem;
    const { reduction = 'mean', gradOutput = 1 } = truth;
    const batch = isElementwise(entry) ? (lossShape[0] ?? 1) : layout.batch;
    const over = (by: number, value: number): number => (by === 0 ? 0 : value / by);
    const given = upstream && typeof gradOutput === 'number' ? gradOutput : 1;
    const by = { mean: [weightSum, count], batchmean: [batch, batch], sum: [1, 1], none: [1, 1] }[reduction];
    this.arena.set({ upstream: over(by[0]!, given), sideUpstream: over(by[1]!, given) });
  }

  /** Each pass over the blocks of a class axis. */
  #cut(): void {
    const { arena } = this;
    const { classes } = this.problem.layout;
    const { part } = this.draw;
    const at = { input: arena.get('input'), target: arena.get('target') };
    for (const phase of [FLAGS.MEASURE, FLAGS.ACCUMULATE, FLAGS.SECOND, FLAGS.FINISH, FLAGS.GRADIENT]) {
      for (let first = 0; first < classes; first += part) {
        const moved = (address: number, step: number): number => (address === 0 ? 0 : address + 4 * first * step);
        arena.set({
          phase,
          first,
          middle: Math.min(part, classes - first),
          input: moved(at.input, arena.get('inputStep')),
          target: moved(at.target, arena.get('targetStep')),
          grad: moved(this.#gradAt, arena.get('gradStep')),
        });
        arena.call(this.#kernel);
        if (phase === FLAGS.FINISH) break;
      }
    }
  }

  #outcome(count: number, weightSum: number): Outcome {
    const { arena, problem } = this;
    const { lossShape, truth, input, layout, entry } = problem;
    const { reduction = 'mean' } = truth;
    const [sum, side] = [arena.get('sum'), arena.get('sideSum')];
    const batch = isElementwise(entry) ? (lossShape[0] ?? 1) : layout.batch;
    const mean = reduction === 'mean';
    const over = (value: number, by: number): number => (value === 0 && by !== 0 ? 0 : value / by);
    const by = reduction === 'batchmean' ? batch : 1;
    const [divisor, sideDivisor] = mean ? [weightSum, count] : [by, by];
    const sideLoss = side === 0 ? 0 : over(side, sideDivisor);
    const empty = mean && weightSum === 0 && truth.emptyMean === 'zero';
    const loss = empty ? sideLoss : over(sum, divisor) + sideLoss;
    const grad = arena.floats(this.#gradAt, this.#size, this.#grad!.place);
    const own = this.#side;
    const secondOf = own && arena.floats(own.at, own.tensor.data.length, (i) => own.places[i]!);
    return {
      loss: reduction === 'none' ? tensorOf(arena.floats(this.#lossAt, sizeOf(lossShape)), lossShape) : loss,
      grad: tensorOf(grad, input.tensor.shape),
      ...(own && secondOf && { second: tensorOf(secondOf, own.tensor.shape) }),
      sum: sum + side,
      count,
      weightSum,
      ...(this.#members > 0 && { componentLosses: this.#parts(empty ? Number.POSITIVE_INFINITY : divisor) }),
    };
  }

  #parts(divisor: number): Tensor32 {
    const { truth, layout, lossShape } = this.problem;
    const count = truth.components?.length ?? 0;
    if (truth.reduction === 'none') {
      return tensorOf(this.arena.floats(this.#partsAt, count * layout.samples), [count, ...lossShape]);
    }
    const sums = this.arena.doubles(this.#partSums, count);
    return tensorOf(
      Float32Array.from(sums, (sum) => sum / divisor),
      [count],
    );
  }
}
