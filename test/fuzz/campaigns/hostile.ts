/**
 * Legal calls with one argument made hostile. Each ends with the right result or with an error that names the function,
 * within two seconds; afterwards nothing has changed and a call gives the same bits as before.
 */
import fc from 'fast-check';
import { activationOf } from '../api.ts';
import type { Bench } from '../bench.ts';
import { Call, type Form, forms } from '../calls.ts';
import { program } from '../code.ts';
import type { Context } from '../context.ts';
import { calls, tinyShapes } from '../draws.ts';
import { errorWrong } from '../errors.ts';
import { Finding, messageOf } from '../finding.ts';
import { arrayAttacks } from '../hostile/arrays.ts';
import { type Attack, type Tools, valueAttacks } from '../hostile/attacks.ts';
import { optionAttacks } from '../hostile/options.ts';
import { type Path, pathText, placesOf, valueAt, withValue } from '../hostile/paths.ts';
import { differs, type Outcome, type Wrong } from '../judge.ts';
import { entries, isActivation, isElementwise, names } from '../losses.ts';
import { copied } from '../outcome.ts';
import { problemOf } from '../problem.ts';
import { Rejected } from '../rejected.ts';
import type { CallDraw, Problem } from '../types.ts';
import type { Campaign } from './campaign.ts';

/** Seconds that a wrong call may take. */
const SECONDS = 2;

const attacks: Readonly<Record<string, Attack>> = { ...valueAttacks, ...arrayAttacks, ...optionAttacks };

interface HostileDraw {
  readonly call: CallDraw;
  readonly form: Form;
  readonly attack: string;
  /** Which of the places that the attack is for. */
  readonly at: number;
}

function functionsOf({ op, entry }: Problem, form: Form): readonly string[] {
  if (form === 'fused' || (form === 'forward' && isActivation(entry))) return [op];
  return form === 'prepare' ? [`${op}.prepare`, `${op}.step`] : [`${op}.${form}`];
}

/** A legal call of a draw, apart from all others. */
const result = (bench: Bench, problem: Problem, form: Form): Outcome => {
  const call = new Call(bench, problem, problem.draw.out);
  try {
    return copied(call.invoke(form, call.argumentsOf(form)));
  } finally {
    call.free();
  }
};

/** The same call on other values, for a nested one: with the same ones it would leave the same scratch behind. */
function otherOf(draw: CallDraw): Problem {
  const reseeded = <T extends { readonly seed: number }>(operand: T): T => {
    const { values: _, ...rest } = { values: undefined, ...operand, seed: operand.seed ^ 0x55555 };
    return rest as unknown as T;
  };
  return problemOf({
    ...draw,
    input: reseeded(draw.input),
    ...(draw.second && { second: reseeded(draw.second) }),
    ...(draw.borrowed && { borrowed: reseeded(draw.borrowed) }),
    ...(draw.target && { target: reseeded(draw.target) }),
  });
}

/** A hostile call about to be made. */
class Attempt {
  readonly call: Call;
  readonly draw: HostileDraw;
  readonly attack: Attack;
  readonly path: Path;
  readonly problem: Problem;
  readonly expected: Outcome;
  readonly other: { readonly problem: Problem; readonly expected: Outcome };
  readonly mine = new Error('an error of the caller');
  #nested: Wrong | undefined;

  constructor(call: Call, draw: HostileDraw, expected: Outcome, other: Attempt['other']) {
    this.call = call;
    this.draw = draw;
    this.problem = call.problem;
    this.expected = expected;
    this.other = other;
    this.attack = attacks[draw.attack]!;
    if (this.attack.once && draw.form === 'prepare') throw new Rejected('a step reads it again');
    const places = placesOf(call.argumentsOf(draw.form)).filter(({ sorts }) =>
      sorts.some((sort) => this.attack.sorts.includes(sort)),
    );
    const place = places[draw.at % Math.max(1, places.length)];
    if (place === undefined) throw new Rejected('no such argument');
    this.path = place.path;
  }

  /** The tools of a maker. A nested call is judged by itself. */
  #tools(context: Context): Tools {
    const { bench } = this.call;
    const again = (): unknown => {
      try {
        const { problem, expected } = this.other;
        const wrong = differs(result(bench, problem, this.draw.form), expected, problem, { exactSums: true });
        if (wrong) this.#nested ??= { check: `nested ${wrong.check}`, detail: wrong.detail };
      } catch (error) {
        // of a disposed engine nothing can be had
        if (!this.attack.ends) this.#nested ??= { check: 'nested call throws', detail: messageOf(error) };
      }
      return undefined;
    };
    const args = this.call.argumentsOf(this.draw.form);
    return { lossmith: context.library, engine: bench.engine, host: bench.host, again, args, mine: this.mine };
  }

  fail(wrong: Wrong): never {
    throw new Finding(`${this.draw.attack}: ${wrong.check}`, wrong.detail, () => this.code(wrong));
  }

  code({ check, detail }: Wrong): string {
    const { form } = this.draw;
    const { statements, list, callee } = this.call.text(form);
    const other = new Call(this.call.bench, this.other.problem, this.draw.call.out);
    const nested = other.text(form);
    other.free();
    const place = `args${pathText(this.path)}`;
    const holder = this.path.length > 2 || this.path.length === 2 ? this.path.slice(0, -1) : undefined;
    return program(this.call.bench, [
      `const make = () => {\n  ${statements.join('\n  ')}\n  return [${list}${/\}$/.test(list) ? '' : ', {}'}];\n};`,
      `const args = make();`,
      `const again = () => {\n  ${nested.statements.join('\n  ')}\n  return ${callee}(${nested.list});\n};`,
      "const tools = { lossmith, engine, host, again, args, mine: new Error('an error of the caller') };",
      `const hostile = ${this.attack.make.toString()};`,
      ...(holder ? [`args${pathText(holder)} = { ...args${pathText(holder)} };`] : []),
      `${place} = hostile(${place}, tools);`,
      form === 'prepare' ? `console.log(${callee}(...args)());` : `console.log(${callee}(...args));`,
      `// ${check}: ${detail}`,
    ]);
  }

  /** Makes the call; its result, or its error. */
  #outcome(args: readonly unknown[]): Outcome | { readonly thrown: unknown } {
    const start = Date.now();
    try {
      const got = this.call.invoke(this.draw.form, args);
      this.#hurry(start);
      return got;
    } catch (error) {
      if (error instanceof Finding) throw error;
      this.#hurry(start);
      return { thrown: error };
    }
  }

  #hurry(start: number): void {
    const seconds = (Date.now() - start) / 1000;
    if (seconds > SECONDS) this.fail({ check: 'takes too long', detail: `${seconds} s, at most ${SECONDS}` });
  }

  run(context: Context): void {
    const { form, attack: name } = this.draw;
    const { bench } = this.call;
    const args = this.call.argumentsOf(form);
    const value = valueAt(args, this.path);
    const hostile = this.attack.make(value as never, this.#tools(context));
    if (hostile === undefined && name !== 'undefined') throw new Rejected('cannot be made of this');
    const before = bench.engine.stats();
    const got = this.#outcome(withValue(args, this.path, hostile) as unknown[]);
    context.counts.calls++;
    if ('thrown' in got) {
      context.counts.errors++;
      const own = got.thrown === this.mine || /proxy that has been revoked/.test(messageOf(got.thrown));
      const wrong = own ? undefined : errorWrong(got.thrown, functionsOf(this.problem, form));
      if (wrong) this.fail(wrong);
    } else if (this.attack.verdict === 'throws') {
      this.fail({ check: 'is accepted', detail: `at ${pathText(this.path)}` });
    } else if (this.attack.verdict === 'same') {
      const wrong = this.#misses(got, context);
      if (wrong) this.fail(wrong);
    }
    if (this.#nested) this.fail(this.#nested);
    if (this.attack.ends) return;
    const wrong = this.call.changed(form, this.#attacked()) ?? this.call.held(before, Infinity);
    if (wrong) this.fail(wrong);
  }

  /** The operand that is not what it was: an argument, or an option among the last of them. */
  #attacked() {
    const args = this.call.argumentsOf(this.draw.form);
    const on = this.path.map((_, i) => valueAt(args, this.path.slice(0, i + 1)));
    return [...this.call.operands, ...this.call.outs].find(({ argument }) => on.includes(argument));
  }

  /** What is wrong with a result. Its tensors may have been freed meanwhile. */
  #misses(got: Outcome, { settings }: Context): Wrong | undefined {
    const { zSum: _, ...comparable } = this.expected;
    const { zSum: __, ...result } = got;
    try {
      return differs(result, comparable, this.problem, settings);
    } catch (error) {
      if (this.attack.ends === 'operands') return undefined;
      throw error;
    }
  }
}

/** An activation over classes: its result shows what a call left behind. */
const witness = names.find((name) => isActivation(entries[name]!) && !isElementwise(entries[name]!))!;
const rows = [
  [1, 2, 3, 4, 5],
  [5, -1, 0.5, 2, 1],
];

/** A small call whose result is known, on any engine. */
const control = ({ host }: Bench): string => activationOf(host, witness)(rows).data.join();

/** The call of a draw before it is made, and what the legal one gives. */
function attemptOf(draw: HostileDraw, context: Context): Attempt {
  const { form } = draw;
  const problem = problemOf(draw.call);
  if (isActivation(problem.entry) && form === 'prepare') throw new Rejected('activations have no steps');
  const bench = context.bench(draw.call.tier);
  const other = otherOf(draw.call);
  const legal = (each: Problem): Outcome => {
    try {
      return result(bench, each, form);
    } catch {
      throw new Rejected('the legal call fails, which is for another campaign');
    }
  };
  const [expected, otherwise] = [legal(problem), legal(other)];
  const call = new Call(bench, problem, draw.call.out);
  try {
    return new Attempt(call, draw, expected, { problem: other, expected: otherwise });
  } catch (error) {
    call.free();
    throw error;
  }
}

function attempt(draw: HostileDraw, context: Context): void {
  const attempt = attemptOf(draw, context);
  const { call } = attempt;
  const before = control(call.bench);
  const ended = attempt.attack.ends === 'engine';
  try {
    attempt.run(context);
    if (ended) return;
    const after = control(call.bench);
    if (after !== before) attempt.fail({ check: 'spoils later calls', detail: `${after}, ${before} before` });
  } finally {
    if (ended) context.renew();
    else call.free();
  }
}

export const hostile: Campaign<HostileDraw> = {
  name: 'hostile',
  share: 20,
  limit: 10,
  draws: (choice) =>
    fc.record({
      call: calls({ shapes: tinyShapes, ...choice }),
      form: fc.constantFrom(...forms),
      attack: fc.constantFrom(...Object.keys(attacks)),
      at: fc.nat({ max: 30 }),
    }),
  attempt,
  features: ({ attack }) => new Set([attack]),
  show: (draw, context) => attemptOf(draw, context).code({ check: 'hangs, or ends the process', detail: '' }),
  gist: ({ attack }) => new Set([attack]),
  call: { get: ({ call }) => call, set: (draw, call) => ({ ...draw, call }) },
};
