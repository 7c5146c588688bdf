/** One problem through every form of its function, with every operand at its place and under watch. */
import { sizeOf } from '../reference/layout.ts';
import { activationOf, lossOf, type Stats, type Step, type Tensor32 } from './api.ts';
import type { Bench } from './bench.ts';
import { program } from './code.ts';
import type { Context } from './context.ts';
import { Finding, general, messageOf } from './finding.ts';
import { type Outcome, oddNaN, type Wrong } from './judge.ts';
import { isActivation } from './losses.ts';
import { type OutPlace, type Placed, put, type Values } from './places.ts';
import { problemOf } from './problem.ts';
import { Rejected } from './rejected.ts';
import type { CallDraw, Operand, Problem } from './types.ts';

export const forms = ['fused', 'forward', 'backward', 'prepare'] as const;
export type Form = (typeof forms)[number];

/** What a call may take of linear memory beside the tensors of its engine, and the page that it ends in. */
const MOST_BYTES = 4 * 2 ** 20 + 65536;

/** Bytes of one copy of what the call has per class: weights, labels, maps. */
function perClassBytes({ operands, entry }: Problem): number {
  const perClass = operands.filter(
    ({ name, role }) => role === 'maps' || role === 'integers' || entry.options[name] === 'perClass',
  );
  return perClass.reduce((sum, { tensor }) => sum + 4 * tensor.data.length, 0);
}

/** A problem with every operand at a place. */
export class Call {
  readonly bench: Bench;
  readonly problem: Problem;
  readonly input: Placed;
  readonly target: Placed | undefined;
  readonly gradOutput: Placed;
  readonly options: readonly Placed[];
  readonly out: Placed | undefined;
  /** The input as something that may be written, where the gradient goes there. */
  readonly #own: { readonly argument: unknown; readonly code: string } | undefined;

  constructor(bench: Bench, problem: Problem, out: OutPlace) {
    this.bench = bench;
    this.problem = problem;
    this.input = put(problem.input, bench);
    this.target = problem.target && put(problem.target, bench);
    this.gradOutput = put(problem.gradOutput, bench);
    this.options = problem.operands.map((operand) => put(operand, bench));
    this.#own = out === 'input' ? this.#writable() : undefined;
    this.out = out === 'absent' || this.#own ? undefined : this.#putOut(out === 'input' ? 'like' : out);
  }

  get inPlace(): boolean {
    return this.#own !== undefined;
  }

  /** The input as a tensor or a Float32Array. */
  #writable(): { argument: unknown; code: string } | undefined {
    const { argument, name } = this.input;
    if (argument instanceof Float32Array) return { argument, code: name };
    if (typeof argument !== 'object' || argument === null || !('data' in argument)) return undefined;
    if (!(argument.data instanceof Float32Array)) return undefined;
    return 'shape' in argument ? { argument, code: name } : { argument: argument.data, code: `${name}.data` };
  }

  #putOut(place: Exclude<OutPlace, 'absent' | 'input'>): Placed {
    const { tensor } = this.problem.input;
    const data = new Float64Array(tensor.data.length).fill(-7);
    const places = {
      bare: 'f32 bare',
      like: 'f32',
      sub: 'f32 sub',
      tensor: 'tensor',
      slice: 'slice',
      foreign: 'foreign',
    };
    const operand: Operand = {
      name: 'out',
      // a bare out takes the shape of the input
      role: 'floats',
      tensor: { data, shape: tensor.shape },
      place: places[place] as Operand['place'],
      recipe: `new Float32Array(${data.length})`,
    };
    return put(operand, this.bench);
  }

  /** The option objects of a form; forward writes nothing and takes no `out`. */
  optionsOf(form: Form): Record<string, unknown> {
    const own = Object.fromEntries(this.options.map(({ operand, argument }) => [operand.name, argument]));
    const out = this.#own ? this.#own.argument : this.out?.argument;
    return { ...this.problem.plain, ...own, ...(out !== undefined && form !== 'forward' && { out }) };
  }

  get operands(): readonly Placed[] {
    return [this.input, ...(this.target ? [this.target] : []), ...this.options, this.gradOutput];
  }

  /** The arguments of a form. */
  argumentsOf(form: Form): readonly unknown[] {
    const target = this.target ? [this.target.argument] : [];
    const operands = [this.input.argument, ...target];
    const options = this.optionsOf(form);
    return form === 'backward' ? [this.gradOutput.argument, ...operands, options] : [...operands, options];
  }

  /** Source text of a form: what makes its operands, its arguments, and the function. */
  text(form: Form): { readonly statements: readonly string[]; readonly list: string; readonly callee: string } {
    const options = [
      ...Object.entries(this.problem.plain).map(([name, value]) => `${name}: ${plainText(value)}`),
      ...this.options.map(({ name, operand }) => (name === operand.name ? name : `${operand.name}: ${name}`)),
      ...(form === 'forward' ? [] : this.#own ? [`out: ${this.#own.code}`] : this.out ? ['out'] : []),
    ];
    const names = [
      ...(form === 'backward' ? [this.gradOutput] : []),
      this.input,
      ...(this.target ? [this.target] : []),
    ];
    const used = [...names, ...this.options, ...(this.out && form !== 'forward' ? [this.out] : [])];
    const path = form === 'fused' || (form === 'forward' && isActivation(this.problem.entry)) ? '' : `.${form}`;
    const own = options.length > 0 ? [`{ ${options.join(', ')} }`] : [];
    return {
      statements: used.flatMap(({ code }) => code),
      list: [...names.map(({ name }) => name), ...own].join(', '),
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
    if (this.inPlace) this.input.write(this.problem.input.tensor.data);
  }

  /** Whether `grad` is where the call was told to put it. */
  #misplaced(grad: Tensor32): Wrong | undefined {
    const out = this.#own ? this.#own.argument : this.out?.argument;
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
    for (const each of [...this.operands, ...(this.out ? [this.out] : [])]) {
      if (each === except) continue;
      const beside = each.beside();
      if (beside !== undefined) return { check: `writes beside ${each.operand.name}`, detail: beside };
      if (each === this.out || (each === this.input && this.inPlace && form !== 'forward')) continue;
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
      outcome = this.invoke(form, this.argumentsOf(form), (grad) => this.#look('prepare', grad));
    } catch (error) {
      if (error instanceof Finding) throw error;
      const message = messageOf(error);
      // what the reference draws to its limits may be outside those of the library
      if (this.problem.entry.loss && outsideLimits.test(message)) throw new Rejected(message);
      return this.fail(form, { check: `throws ${general(message)}`, detail: message });
    }
    const { loss, grad, componentLosses } = outcome;
    const odd =
      this.bench.tier === 'deterministic'
        ? (oddNaN('loss', typeof loss === 'object' ? loss : undefined) ??
          oddNaN('grad', grad) ??
          oddNaN('componentLosses', componentLosses))
        : undefined;
    const wrong =
      odd ??
      (grad && form !== 'prepare' ? this.#misplaced(grad) : undefined) ??
      this.changed(form) ??
      this.held(before);
    if (wrong) this.fail(form, wrong);
    return copied(outcome);
  }

  #look(form: Form, grad: Tensor32): void {
    const wrong = this.#misplaced(grad);
    if (wrong) this.fail(form, wrong);
  }

  /** Calls the function in a form; `look` sees the gradient of a step while it is at its place. */
  invoke(form: Form, args: readonly unknown[], look: (grad: Tensor32) => void = () => {}): Outcome {
    const { host } = this.bench;
    const { op, entry } = this.problem;
    if (isActivation(entry)) {
      const activation = activationOf(host, op);
      if (form === 'backward') return { grad: activation.backward(...args) };
      const result = activation(...args);
      return form === 'forward' ? { loss: result } : { loss: result, grad: result };
    }
    const loss = lossOf(host, op);
    if (form === 'fused') return loss(...args);
    if (form === 'forward') return loss.forward(...args);
    if (form === 'backward') return loss.backward(...args);
    return this.#step(loss.prepare(...args), look);
  }

  /** Steps twice on the same values. */
  #step(step: Step, look: (grad: Tensor32) => void): Outcome {
    try {
      step();
      this.restore();
      const loss = step();
      const { grad, sum, count, weightSum, componentLosses } = step;
      look(grad);
      // copied before free: the gradient may lie in linear memory
      return copied({ loss, grad, sum, count, weightSum, ...(componentLosses && { componentLosses }) });
    } finally {
      step.free();
    }
  }

  free(): void {
    for (const each of [...this.operands, ...(this.out ? [this.out] : [])]) each.free();
  }
}

/** Where values are no longer what they were; -1: nowhere. */
export function firstChange(now: Values, was: Values): number {
  for (let i = 0; i < was.length; i++) if (now[i] !== was[i] && !Object.is(now[i], was[i])) return i;
  return -1;
}

const outsideLimits = /^RangeError: .*\b(outside|negative|expected)\b/s;

const copyOf = (tensor: Tensor32): Tensor32 => ({ data: tensor.data.slice(), shape: [...tensor.shape] });

export function copied(outcome: Outcome): Outcome {
  const { loss, grad, componentLosses } = outcome;
  return {
    ...outcome,
    ...(typeof loss === 'object' && { loss: copyOf(loss) }),
    ...(grad && { grad: copyOf(grad) }),
    ...(componentLosses && { componentLosses: copyOf(componentLosses) }),
  };
}

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
