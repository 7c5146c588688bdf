/**
 * Prepared steps whose operands are rewritten, moved, grown, freed and transferred between steps. Each step says what the
 * direct call now says, bit for bit, or, where its data has gone, a TypeError that names the function.
 */
import fc from 'fast-check';
import { lossOf, type Step, type Tensor32 } from '../api.ts';
import { Call, isLarge, shown } from '../calls.ts';
import type { Context } from '../context.ts';
import { calls, seeds, smallShapes } from '../draws.ts';
import { errorWrong } from '../errors.ts';
import { Finding, features, general, messageOf } from '../finding.ts';
import { differs, type Outcome, type Wrong } from '../judge.ts';
import { entries, isActivation, names } from '../losses.ts';
import { outcomeOf, steppedOf } from '../outcome.ts';
import { listText, type Placed } from '../places.ts';
import { problemOf, valuesFor } from '../problem.ts';
import type { CallDraw, Problem, TargetKind } from '../types.ts';
import type { Campaign } from './campaign.ts';

const acts = [
  'rewrite',
  'step',
  'spoil',
  'move',
  'grow',
  'allocate',
  'shorten',
  'free',
  'transfer',
  'transfer grad',
  'transfer loss',
  'transfer parts',
] as const;

/** No case makes an engine larger than this, since the next one may get the same engine. */
const MOST_MEMORY = 2 ** 25;

interface Action {
  readonly act: (typeof acts)[number];
  /** Which operand. */
  readonly at: number;
  readonly seed: number;
}

interface StepsDraw {
  readonly call: CallDraw;
  readonly actions: readonly Action[];
}

/** What has happened to the data of a step. */
type Excuse = 'none' | 'refused' | 'gone';

/** A value for each kind of target that it may not have. */
const outOfRange: Partial<Readonly<Record<TargetKind, number>>> = {
  indices: 77,
  unit: 2,
  signs: 2,
  bits: 2,
  masses: -1,
  sparse: 1e6,
};

type Argument = { data: unknown };
const isHolder = (value: unknown): value is Argument =>
  typeof value === 'object' && value !== null && Object.getOwnPropertyDescriptor(value, 'data')?.writable === true;

/** The typed array that an argument is or holds, where it has a buffer of its own. */
function bufferOf(argument: unknown): ArrayBuffer | undefined {
  const array = ArrayBuffer.isView(argument) ? argument : isHolder(argument) ? argument.data : undefined;
  return ArrayBuffer.isView(array) && array.buffer instanceof ArrayBuffer ? array.buffer : undefined;
}

const transfer = (buffer: ArrayBuffer): void => void structuredClone(buffer, { transfer: [buffer] });

/** One run of a draw: the step, what was done so far as code, and what it may answer. */
class Run {
  readonly call: Call;
  readonly problem: Problem;
  readonly step: Step;
  readonly lines: string[];
  readonly #context: Context;
  #excuse: Excuse = 'none';
  #spoilt = false;

  constructor(call: Call, step: Step, context: Context) {
    this.call = call;
    this.step = step;
    this.problem = call.problem;
    this.#context = context;
    this.lines = call.code('prepare').split('\n').slice(0, -1);
  }

  /** Operands whose arrays a step reads. */
  get operands(): readonly Placed[] {
    // labels and maps are part of what was prepared, not of what is read at each step
    return this.call.reads.filter(({ operand }) => operand.role !== 'integers' && operand.role !== 'maps');
  }

  fail(wrong: Wrong): never {
    throw new Finding(`step ${wrong.check}`, wrong.detail, () =>
      [...this.lines, `// ${wrong.check}: ${wrong.detail}`].join('\n'),
    );
  }

  /** What the direct call says now; its gradient goes to an array of its own. */
  #direct(): Outcome | Error {
    const { out: _, ...options } = this.call.optionsOf('prepare');
    const args = this.call.argumentsOf('prepare').slice(0, -1);
    this.#context.counts.calls++;
    try {
      return outcomeOf(this.problem.entry, lossOf(this.call.bench.host, this.problem.op)(...args, options));
    } catch (error) {
      return error as Error;
    }
  }

  #stepped(): Outcome | Error {
    this.#context.counts.calls++;
    try {
      return steppedOf(this.problem.entry, this.step, this.step());
    } catch (error) {
      return error as Error;
    }
  }

  /** Steps and compares. False where there is nothing more to be had of this step. */
  compare(): boolean {
    const expected = this.#direct();
    const got = this.#stepped();
    this.lines.push('console.log(step());');
    if (got instanceof Error) return this.#threw(got, expected);
    if (expected instanceof Error) {
      // data that the step took a copy of, or a shape that it no longer asks for
      if (this.#excuse !== 'none') return false;
      this.fail({ check: 'gives a result where the call throws', detail: messageOf(expected) });
    }
    const { zSum: _, ...plain } = expected;
    const wrong = differs(got, plain, this.problem, this.#context.settings);
    if (wrong) this.fail(wrong);
    return true;
  }

  #threw(error: Error, expected: Outcome | Error): boolean {
    this.#context.counts.errors++;
    const wrong = errorWrong(error, [`${this.problem.op}.prepare`, `${this.problem.op}.step`, this.problem.op]);
    if (wrong) this.fail(wrong);
    if (!(expected instanceof Error) && this.#excuse === 'none') {
      this.fail({ check: `throws where the call does not: ${general(error.message)}`, detail: error.message });
    }
    // after a target out of range the step goes on
    return this.#spoilt;
  }

  /** Whether some of the data is no longer there. */
  get gone(): boolean {
    return this.#excuse === 'gone';
  }

  /** Writes other values of the kinds that were drawn. */
  rewrite(placed: Placed, seed: number, note = ''): void {
    const values = valuesFor(this.problem, placed.operand, seed);
    placed.write(values);
    const { argument, name } = placed;
    const text = listText(values, `[${values.join(', ')}]`);
    const way = Array.isArray(argument)
      ? 'array'
      : isHolder(argument) && Array.isArray(argument.data)
        ? 'list'
        : 'typed';
    const big = /Big/.test(placed.code.join()) ? `, BigInt` : '';
    const into = ArrayBuffer.isView(argument) ? name : `${name}.data`;
    const lines = {
      array: `((to, from) => { let at = 0; (function fill(row) { row.forEach((v, i) => { if (Array.isArray(v)) fill(v); else row[i] = from[at++]; }); })(to); })(${name}, ${text});`,
      list: `${name}.data.splice(0, Infinity, ...${text});`,
      typed: `${into}.set(${big ? `Array.from(${text}${big})` : text});`,
    };
    this.lines.push(lines[way] + note);
  }

  /** Puts the values back that an in-place gradient overwrote. */
  restore(): void {
    if (!this.call.inPlace) return;
    this.call.restore();
    this.lines.push('// the input is written anew, for the gradient took its place');
  }

  /** A target that is no class, or outside [0, 1]. */
  spoil(): void {
    const { target } = this.call;
    const { what = 'real' } = this.problem.draw.target ?? {};
    if (!target || target.operand.tensor.data.length === 0 || !(what in outOfRange)) return;
    const values = Array.from(target.operand.tensor.data);
    const bad = outOfRange[what]!;
    values[values.length - 1] = bad;
    target.write(values);
    this.#spoilt = true;
    this.lines.push(`// the last value of the target (of a sparse one, of its offsets) becomes ${bad}`);
  }

  /** Undoes it. */
  mend(): void {
    if (!this.#spoilt) return;
    this.#spoilt = false;
    this.call.target!.write(this.call.target!.operand.tensor.data);
    this.lines.push('// and what it was before');
  }

  /** Gives a holder of data another array with the same values. */
  move(placed: Placed): void {
    const { argument, name } = placed;
    if (!isHolder(argument)) return;
    const { data } = argument;
    if (!ArrayBuffer.isView(data) && !Array.isArray(data)) return;
    argument.data = (data as Float32Array).slice();
    if (this.call.inPlace && this.call.inputs.includes(placed)) this.#excuse = 'gone';
    if (this.#excuse === 'none') this.#excuse = 'refused';
    this.lines.push(`${name}.data = ${name}.data.slice();`);
  }

  /** Makes a plain array one value shorter. */
  shorten(placed: Placed): void {
    const { argument, name } = placed;
    const list = Array.isArray(argument) ? argument : isHolder(argument) ? argument.data : undefined;
    if (!Array.isArray(list) || list.length === 0 || placed.operand.tensor.data.length === 0) return;
    list.length--;
    this.#excuse = 'gone';
    this.lines.push(`${list === argument ? name : `${name}.data`}.length--;`);
  }

  free(placed: Placed): void {
    const { argument, name } = placed;
    if (typeof argument !== 'object' || argument === null || !('free' in argument)) return;
    placed.free();
    this.#excuse = 'gone';
    this.lines.push(`${name}.free(); // or the tensor that it is a slice of`);
  }

  transfer(placed: Placed): void {
    const buffer = bufferOf(placed.argument);
    if (buffer === undefined || buffer.byteLength === 0) return;
    transfer(buffer);
    this.#excuse = 'gone';
    const path = isHolder(placed.argument) ? `${placed.name}.data.buffer` : `${placed.name}.buffer`;
    this.lines.push(`structuredClone(${path}, { transfer: [${path}] });`);
  }

  /** Hands over an array that the step gives its results in. */
  transferResult(what: 'grad' | 'loss' | 'componentLosses', tensor: Tensor32 | undefined): void {
    const buffer = tensor?.data.buffer;
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength === 0) return;
    if (buffer === this.call.bench.engine.memory.buffer || buffer === this.call.bench.foreign().memory.buffer) return;
    transfer(buffer);
    this.#excuse = 'gone';
    const path = what === 'loss' ? 'step().data.buffer' : `step.${what}.data.buffer`;
    this.lines.push(`{ const buffer = ${path}; structuredClone(buffer, { transfer: [buffer] }); }`);
  }
}

function prepare(call: Call): Step {
  try {
    return lossOf(call.bench.host, call.problem.op).prepare(...call.argumentsOf('prepare'));
  } catch (error) {
    const detail = messageOf(error);
    return call.fail('prepare', { check: `throws ${general(detail)}`, detail });
  }
}

function act(run: Run, { act, at, seed }: Action): void {
  const { operands, call } = run;
  const placed = operands[at % operands.length]!;
  const { engine } = call.bench;
  const page = 65536;
  const todo: Record<Action['act'], () => void> = {
    rewrite: () => run.rewrite(placed, seed),
    step: () => {},
    spoil: () => run.spoil(),
    move: () => run.move(placed),
    grow: () => {
      if (engine.memory.buffer.byteLength > MOST_MEMORY) return;
      engine.memory.grow(1);
      run.lines.push('engine.memory.grow(1);');
    },
    allocate: () => {
      if (engine.memory.buffer.byteLength > MOST_MEMORY) return;
      engine.tensor([engine.memory.buffer.byteLength / 4 - page / 8]).free();
      run.lines.push(`engine.tensor([engine.memory.buffer.byteLength / 4 - ${page / 8}]).free();`);
    },
    shorten: () => run.shorten(placed),
    free: () => run.free(placed),
    transfer: () => run.transfer(placed),
    'transfer grad': () => run.transferResult('grad', outcomeOf(call.problem.entry, { grad: run.step.grad }).grad),
    'transfer loss': () => {
      const loss = run.step();
      run.restore();
      run.transferResult('loss', typeof loss === 'object' ? loss : undefined);
    },
    'transfer parts': () => run.transferResult('componentLosses', run.step.componentLosses),
  };
  todo[act]();
}

function follow(run: Run, actions: readonly Action[]): void {
  if (!run.compare()) return;
  for (const each of actions) {
    run.restore();
    act(run, each);
    if (!run.compare() || run.gone) return;
    run.mend();
  }
}

function attempt({ call: draw, actions }: StepsDraw, context: Context): void {
  const problem = problemOf(draw);
  const bench = context.bench(draw.tier, isLarge(problem) || actions.some(({ act }) => act === 'allocate'));
  const before = bench.engine.stats();
  const call = new Call(bench, problem, draw.out);
  let run: Run | undefined;
  try {
    run = new Run(call, prepare(call), context);
    follow(run, actions);
  } finally {
    run?.step.free();
    call.free();
  }
  const after = bench.engine.stats();
  if (after.bytesInUse !== before.bytesInUse || after.liveTensors !== before.liveTensors) {
    run.fail({ check: 'leaks', detail: `${after.bytesInUse} bytes in use, ${before.bytesInUse} before` });
  }
}

const losses = names.filter((name) => !isActivation(entries[name]!));

export const steps: Campaign<StepsDraw> = {
  name: 'steps',
  share: 20,
  limit: 30,
  draws: (choice) =>
    fc.record({
      call: calls({ ...choice, shapes: smallShapes, ops: losses.filter((op) => choice.ops?.includes(op) ?? true) }),
      actions: fc.array(fc.record({ act: fc.constantFrom(...acts), at: fc.nat({ max: 5 }), seed: seeds }), {
        minLength: 1,
        maxLength: 5,
      }),
    }),
  attempt,
  features: ({ call, actions }) => new Set([...features(call), ...actions.map(({ act }) => act)]),
  show: ({ call, actions }, context) =>
    `${shown(call, 'prepare', context)}\n// then ${actions.map(({ act }) => act).join(', ')}`,
  gist: ({ call, actions }) => new Set([call.op, ...actions.map(({ act }) => act)]),
  call: { get: ({ call }) => call, set: (draw, call) => ({ ...draw, call }) },
  smaller: (draw) => draw.actions.map((_, i) => ({ ...draw, actions: draw.actions.toSpliced(i, 1) })),
};
