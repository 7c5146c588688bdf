/** One problem through every form of its function, with every operand at its place and under watch. */
import { sizeOf } from '../reference/layout.ts';
import { activationOf, lossOf, type Stats, type Step, type Tensor32 } from './api.ts';
import type { Bench } from './bench.ts';
import { program } from './code.ts';
import type { Context } from './context.ts';
import { Finding, general, messageOf } from './finding.ts';
import { type Outcome, oddNaN, type Wrong } from './judge.ts';
import { isActivation } from './losses.ts';
import { copied, outcomeOf, steppedOf } from './outcome.ts';
import { type OutPlace, type Placed, put, type Values } from './places.ts';
import { problemOf } from './problem.ts';
import { Rejected } from './rejected.ts';
import type { CallDraw, Operand, Problem } from './types.ts';

export const forms = ['fused', 'forward', 'backward', 'prepare'] as const;
export type Form = (typeof forms)[number];

/** What a call may take of linear memory beside the tensors of its engine, and the page that it ends in. */
const MOST_BYTES = 4 * 2 ** 20 + 65536;

/** Bytes of one copy of what the call has per class: weights, labels, maps, the sums of ratios. */
function perClassBytes({ operands, entry, layout }: Problem): number {
  const perClass = operands.filter(
    ({ name, role }) => role === 'maps' || role === 'integers' || entry.record.options[name]?.kind === 'perClass',
  );
  const ratios = entry.record.walk === 'group' ? 36 * layout.classes : 0;
  return perClass.reduce((sum, { tensor }) => sum + 4 * tensor.data.length, ratios);
}

/** Other arguments than the operands and `out` themselves. */
export interface Swap {
  readonly operand?: readonly [Placed, unknown];
  readonly out?: unknown;
}

/** A problem with every operand at a place. */
export class Call {
  readonly bench: Bench;
  readonly problem: Problem;
  readonly input: Placed;
  readonly second: Placed | undefined;
  readonly target: Placed | undefined;
  readonly gradOutput: Placed;
  readonly options: readonly Placed[];
  /** Where the gradient goes, and that of a second input. */
  readonly outs: readonly Placed[];
  /** The inputs as something that may be written, where the gradient goes there. */
  readonly #own: readonly { readonly argument: unknown; readonly code: string }[];

  constructor(bench: Bench, problem: Problem, out: OutPlace) {
    this.bench = bench;
    this.problem = problem;
    this.input = put(problem.input, bench);
    this.second = problem.second && put(problem.second, bench);
    this.target = problem.target && put(problem.target, bench);
    this.gradOutput = put(problem.gradOutput, bench);
    this.options = problem.operands.map((operand) => put(operand, bench));
    const own = out === 'input' ? this.inputs.flatMap((placed) => writable(placed) ?? []) : [];
    this.#own = own.length === this.inputs.length ? own : [];
    const place = out === 'input' ? 'like' : out;
    const outs = place === 'absent' || this.inPlace ? [] : this.inputs;
    this.outs = outs.map((each, i) => this.#putOut(i === 0 ? 'out' : `out_${each.name}`, each, place));
  }

  get inputs(): readonly Placed[] {
    return this.second ? [this.input, this.second] : [this.input];
  }

  get inPlace(): boolean {
    return this.#own.length > 0;
  }

  #putOut(name: string, { operand }: Placed, place: OutPlace): Placed {
    const { tensor } = operand;
    const data = new Float64Array(tensor.data.length).fill(-7);
    const places: Partial<Record<OutPlace, Operand['place']>> = {
      bare: 'f32 bare',
      like: 'f32',
      sub: 'f32 sub',
      tensor: 'tensor',
      slice: 'slice',
      foreign: 'foreign',
    };
    const out: Operand = {
      name,
      // a bare out takes the shape of the input
      role: 'floats',
      tensor: { data, shape: tensor.shape },
      place: places[place] ?? 'f32',
      recipe: `new Float32Array(${data.length})`,
    };
    return put(out, this.bench);
  }

  /** One for each input: itself, or an object of both by name. */
  #pair<T>(values: readonly T[]): T | Record<string, T> {
    const { record, second } = this.problem.entry;
    return second === undefined ? values[0]! : { [record.names[0]]: values[0]!, [second]: values[1]! };
  }

  /** The arguments that the gradient goes to, if any is given. */
  #outArgument(): unknown {
    const all = this.inPlace ? this.#own : this.outs;
    return all.length === 0 ? undefined : this.#pair(all.map(({ argument }) => argument));
  }

  /** `out` as it is given where the first gradient goes to an array of the caller's. */
  outOf(array: Float32Array): unknown {
    const { second } = this.problem;
    return this.#pair(second ? [array, new Float32Array(second.tensor.data.length)] : [array]);
  }

  /** The option objects of a form; forward writes nothing and takes no `out`. */
  optionsOf(form: Form, { operand, out = this.#outArgument() }: Swap = {}): Record<string, unknown> {
    const own = this.options.map((placed) => [
      placed.operand.name,
      placed === operand?.[0] ? operand[1] : placed.argument,
    ]);
    return {
      ...this.problem.plain,
      ...Object.fromEntries(own),
      ...(out !== undefined && form !== 'forward' && { out }),
    };
  }

  /** What the call reads. */
  get reads(): readonly Placed[] {
    return [...this.inputs, ...(this.target ? [this.target] : []), ...this.options];
  }

  get operands(): readonly Placed[] {
    return [...this.reads, this.gradOutput];
  }

  /** The arguments of a form. */
  argumentsOf(form: Form, swap: Swap = {}): readonly unknown[] {
    const of = (placed: Placed): unknown => (placed === swap.operand?.[0] ? swap.operand[1] : placed.argument);
    const input = this.#pair(this.inputs.map(of));
    const rest = [input, ...(this.target ? [of(this.target)] : []), this.optionsOf(form, swap)];
    return form === 'backward' ? [of(this.gradOutput), ...rest] : rest;
  }

  #pairText(names: readonly string[]): string {
    const { record, second } = this.problem.entry;
    return second === undefined ? names[0]! : `{ ${record.names[0]}: ${names[0]}, ${second}: ${names[1]} }`;
  }

  /** Source text of a form: what makes its operands, its arguments, and the function. */
  text(form: Form): { readonly statements: readonly string[]; readonly list: string; readonly callee: string } {
    const outs = form === 'forward' ? [] : this.inPlace ? this.#own.map(({ code }) => code) : this.outs.map(nameOf);
    const out = outs.length === 0 ? [] : [`out: ${this.#pairText(outs)}`];
    const options = [
      ...Object.entries(this.problem.plain).map(([name, value]) => `${name}: ${plainText(value)}`),
      ...this.options.map(({ name, operand }) => (name === operand.name ? name : `${operand.name}: ${name}`)),
      ...out.map((text) => (text === 'out: out' ? 'out' : text)),
    ];
    const upstream = form === 'backward' ? [this.gradOutput] : [];
    const target = this.target ? [this.target] : [];
    const names = [...upstream.map(nameOf), this.#pairText(this.inputs.map(nameOf)), ...target.map(nameOf)];
    const used = [
      ...upstream,
      ...this.inputs,
      ...target,
      ...this.options,
      ...(form === 'forward' || this.inPlace ? [] : this.outs),
    ];
    const path = form === 'fused' || (form === 'forward' && isActivation(this.problem.entry)) ? '' : `.${form}`;
    const own = options.length > 0 ? [`{ ${options.join(', ')} }`] : [];
    return {
      statements: used.flatMap(({ code }) => code),
      list: [...names, ...own].join(', '),
      callee: `host.${this.problem.op}${path}`,
    };
  }

  /** A form as a program. */
  code(form: Form, note = ''): string {
    const { statements, list, callee } = this.text(form);
    const call = `${callee}(${list})`;
    const run =
      form === 'prepare' ? [`const step = ${call};`, 'console.log(step(), step.grad);'] : [`console.log(${call});`];
    return program(this.bench, [...statements, ...run, ...(note === '' ? [] : [`// ${note}`])]);
  }

  /** Writes the values of the problem into the arrays again. */
  restore(): void {
    if (!this.inPlace) return;
    for (const { write, operand } of this.inputs) write(operand.tensor.data);
  }

  /** Whether the gradients are where the call was told to put them. */
  #misplaced({ grad, second }: Outcome): Wrong | undefined {
    const outs = (this.inPlace ? this.#own : this.outs).map(({ argument }) => argument);
    const all = [grad, ...(this.second || outs.length === 0 ? [second] : [])];
    return all.map((each, i) => each && this.#misplacedAt(each, outs[i])).find((wrong) => wrong !== undefined);
  }

  #misplacedAt(grad: Tensor32, out: unknown): Wrong | undefined {
    if (out === undefined) {
      const inside = grad.data.buffer === this.bench.engine.memory.buffer;
      return inside
        ? { check: 'grad lies in linear memory', detail: 'without out it is an array of its own' }
        : undefined;
    }
    const data = out instanceof Float32Array ? out : (out as Tensor32).data;
    const same = grad.data.buffer === data.buffer && grad.data.byteOffset === data.byteOffset;
    return same || data.length === 0 ? undefined : { check: 'grad is not out', detail: 'it is another array' };
  }

  /** What a call changed that it may not; `except` was given in another form. */
  changed(form: Form, except?: Placed): Wrong | undefined {
    for (const each of [...this.operands, ...this.outs]) {
      if (each === except) continue;
      const beside = each.beside();
      if (beside !== undefined) return { check: `writes beside ${each.operand.name}`, detail: beside };
      const written = this.outs.includes(each) || (this.inPlace && this.inputs.includes(each) && form !== 'forward');
      if (written) continue;
      const now = each.read();
      const { data } = each.operand.tensor;
      const i = firstChange(now, data);
      if (i >= 0) return { check: `changes ${each.operand.name}`, detail: `[${i}] is ${now[i]}, was ${data[i]}` };
    }
    return undefined;
  }

  /** What the engine holds more than before; `most`: bytes that its memory may have grown by. */
  held(before: Stats, most = MOST_BYTES + perClassBytes(this.problem)): Wrong | undefined {
    const { bytesReserved, bytesInUse, liveTensors } = this.bench.engine.stats();
    if (bytesInUse !== before.bytesInUse || liveTensors !== before.liveTensors) {
      const detail = `${bytesInUse} bytes of ${liveTensors} tensors in use, ${before.bytesInUse} of ${before.liveTensors} before`;
      return { check: 'leaks', detail };
    }
    const grown = bytesReserved - before.bytesReserved;
    return grown > most ? { check: 'takes too much memory', detail: `${grown} bytes, at most ${most}` } : undefined;
  }

  fail(form: Form, wrong: Wrong): never {
    throw new Finding(`${form} ${wrong.check}`, wrong.detail, () => this.code(form, `${wrong.check}: ${wrong.detail}`));
  }

  /** Runs a form; a Finding where it throws, changes what it may not, or keeps memory. */
  run(form: Form): Outcome {
    this.restore();
    const before = this.bench.engine.stats();
    let outcome: Outcome;
    try {
      outcome = this.invoke(form, this.argumentsOf(form), (stepped) => this.#look(stepped));
    } catch (error) {
      if (error instanceof Finding) throw error;
      const message = messageOf(error);
      // what the reference draws to its limits may be outside those of the library
      if (this.problem.draw.borrowed && outsideLimits.test(message)) throw new Rejected(message);
      return this.fail(form, { check: `throws ${general(message)}`, detail: message });
    }
    const { loss, grad, second, componentLosses } = outcome;
    const odd =
      this.bench.tier === 'deterministic'
        ? (oddNaN('loss', typeof loss === 'object' ? loss : undefined) ??
          oddNaN('grad', grad) ??
          oddNaN('second grad', second) ??
          oddNaN('componentLosses', componentLosses))
        : undefined;
    const wrong =
      odd ??
      (form === 'prepare' || isForward(form, this.problem) ? undefined : this.#misplaced(outcome)) ??
      this.changed(form) ??
      this.held(before);
    if (wrong) this.fail(form, wrong);
    return copied(outcome);
  }

  #look(stepped: Outcome): void {
    const wrong = this.#misplaced(stepped);
    if (wrong) this.fail('prepare', wrong);
  }

  /** Calls the function in a form; `look` sees the gradients of a step while they are at their place. */
  invoke(form: Form, args: readonly unknown[], look: (stepped: Outcome) => void = () => {}): Outcome {
    const { host } = this.bench;
    const { op, entry } = this.problem;
    if (isActivation(entry)) {
      const activation = activationOf(host, op);
      if (form === 'backward') return { grad: activation.backward(...args) };
      const result = activation(...args);
      return form === 'forward' ? { loss: result } : { loss: result, grad: result };
    }
    const loss = lossOf(host, op);
    if (form === 'fused') return outcomeOf(entry, loss(...args));
    if (form === 'forward') return outcomeOf(entry, loss.forward(...args));
    if (form === 'backward') return outcomeOf(entry, loss.backward(...args));
    return this.#step(loss.prepare(...args), look);
  }

  /** Steps twice on the same values. */
  #step(step: Step, look: (stepped: Outcome) => void): Outcome {
    try {
      step();
      this.restore();
      const stepped = steppedOf(this.problem.entry, step, step());
      look(stepped);
      // copied before free: the gradient may lie in linear memory
      return copied(stepped);
    } finally {
      step.free();
    }
  }

  free(): void {
    for (const each of [...this.operands, ...this.outs]) each.free();
  }
}

const nameOf = ({ name }: Placed): string => name;

const isForward = (form: Form, { entry }: Problem): boolean => form === 'forward' && !isActivation(entry);

/** An input as a tensor or a Float32Array that may be written. */
function writable({ argument, name }: Placed): { argument: unknown; code: string } | undefined {
  if (argument instanceof Float32Array) return { argument, code: name };
  if (typeof argument !== 'object' || argument === null || !('data' in argument)) return undefined;
  if (!(argument.data instanceof Float32Array)) return undefined;
  return 'shape' in argument ? { argument, code: name } : { argument: argument.data, code: `${name}.data` };
}

/** Where values are no longer what they were; -1: nowhere. */
export function firstChange(now: Values, was: Values): number {
  for (let i = 0; i < was.length; i++) if (now[i] !== was[i] && !Object.is(now[i], was[i])) return i;
  return -1;
}

const outsideLimits = /^RangeError: .*\b(outside|negative|expected)\b/s;

export const plainText = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value));

/** The plainest places, against which all others are compared. */
export function plainly(problem: Problem): Problem {
  const plain = (operand: Operand): Operand => {
    if (operand.role === 'maps') return { ...operand, place: 'nested' };
    const bare = operand.role === 'integers' || operand.role === 'list';
    return {
      ...operand,
      place: bare ? 'list bare' : operand.role === 'indices' ? 'list' : 'f32',
    };
  };
  return {
    ...problem,
    input: plain(problem.input),
    second: problem.second && plain(problem.second),
    target: problem.target && plain(problem.target),
    gradOutput: plain(problem.gradOutput),
    operands: problem.operands.map(plain),
  };
}

export const isLarge = (problem: Problem): boolean => sizeOf(problem.draw.shape) > 20_000;

/** A form of a drawn call as code. */
export function shown(draw: CallDraw, form: Form, context: Context): string {
  const call = new Call(context.bench(draw.tier), problemOf(draw), draw.out);
  try {
    return call.code(form);
  } finally {
    call.free();
  }
}
