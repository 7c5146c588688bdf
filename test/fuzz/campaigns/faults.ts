/**
 * Memory that is not there: an engine's limit at every allocation of a call in turn, memory that fails to grow at its k-th
 * growth, instances that cannot be made. Each call is right or a RangeError of the library; nothing is kept, no input has
 * changed, and with memory the same call is right.
 */
import fc from 'fast-check';
import { type Engine, engineOptions, type Stats } from '../api.ts';
import { Bench } from '../bench.ts';
import { Call, type Form, firstChange, forms, plainly, shown } from '../calls.ts';
import { program } from '../code.ts';
import type { Context } from '../context.ts';
import { calls, shapes } from '../draws.ts';
import { errorWrong } from '../errors.ts';
import { Finding, features } from '../finding.ts';
import { differs, type Outcome, type Wrong } from '../judge.ts';
import { isActivation } from '../losses.ts';
import { copied } from '../outcome.ts';
import { problemOf } from '../problem.ts';
import { Rejected } from '../rejected.ts';
import type { CallDraw, Problem } from '../types.ts';
import type { Campaign } from './campaign.ts';

const ways = ['limit', 'grow', 'instance'] as const;

interface FaultDraw {
  readonly call: CallDraw;
  readonly form: Form;
  readonly way: (typeof ways)[number];
}

const PAGE = 65536;
/** Bytes left to a call, from none up. */
const leftovers = [
  0,
  64,
  128,
  256,
  512,
  1024,
  2048,
  4096,
  8192,
  16_384,
  32_768,
  65_536,
  131_072,
  262_144,
  524_288,
  2 ** 20,
];
/** Growths that fail in turn. */
const GROWTHS = 4;

/** Fills the memory of an engine but for `left` bytes; the answer gives it back. */
function fill(engine: Engine, left: number): () => void {
  const tensors: { free(): void }[] = [];
  // from large to small, until not one line of the allocator is free
  for (let bytes = 2 ** 24; bytes >= 64; bytes /= 2) {
    for (;;) {
      try {
        tensors.push(engine.tensor([bytes / 4]));
      } catch {
        break;
      }
    }
  }
  let free = 0;
  while (free < left && tensors.length > 0) {
    // the last ones are the smallest
    const last = tensors.pop() as { free(): void; shape: readonly number[] };
    free += 4 * last.shape[0]!;
    last.free();
  }
  return () => {
    for (const tensor of tensors) tensor.free();
  };
}

/** A fault in words, and as code before the call. */
interface How {
  readonly text: string;
  readonly code: readonly string[];
}

const filled = (limit: number, left: number): How => ({
  text: `maximumBytes: ${limit}, ${left} bytes left`,
  code: [`const fill = ${fill.toString()};`, `fill(engine, ${left});`],
});

const growing = (k: number): How => ({
  text: `growth ${k} failing`,
  code: [
    'const { grow } = WebAssembly.Memory.prototype;',
    'let growths = 0;',
    'WebAssembly.Memory.prototype.grow = function (pages) {',
    `  if (++growths === ${k}) throw new RangeError('WebAssembly.Memory.grow(): a fault');`,
    '  return grow.call(this, pages);',
    '};',
  ],
});

const noRoom: How = {
  text: 'no room for an instance',
  code: [
    "const construct = () => { throw new RangeError('WebAssembly.Instance(): Out of memory'); };",
    'WebAssembly.Instance = new Proxy(WebAssembly.Instance, { construct });',
    'lossmith.createEngine();',
  ],
};

class Fault {
  readonly draw: FaultDraw;
  readonly problem: Problem;
  readonly context: Context;
  readonly expected: Outcome;

  constructor(draw: FaultDraw, context: Context) {
    this.draw = draw;
    this.context = context;
    this.problem = problemOf(draw.call);
    if (isActivation(this.problem.entry) && draw.form === 'prepare') throw new Rejected('activations have no steps');
    const call = new Call(context.bench(this.#tier), plainly(this.problem), 'absent');
    try {
      this.expected = copied(call.invoke(draw.form, call.argumentsOf(draw.form)));
    } catch {
      throw new Rejected('the legal call fails, which is for another campaign');
    } finally {
      call.free();
    }
  }

  get #tier() {
    // the default engine has no limit
    return this.draw.call.tier === 'module' ? 'simd' : this.draw.call.tier;
  }

  #bench(maximumBytes?: number): Bench {
    return new Bench(this.context.library, this.#tier, maximumBytes === undefined ? {} : { maximumBytes });
  }

  fail(call: Call, how: How, wrong: Wrong): never {
    const { form } = this.draw;
    throw new Finding(wrong.check, `${wrong.detail} (${how.text})`, () => {
      const { statements, list, callee } = call.text(form);
      const run = form === 'prepare' ? `console.log(${callee}(${list})());` : `console.log(${callee}(${list}));`;
      return program(call.bench, [...statements, ...how.code, run, `// ${wrong.check}: ${wrong.detail}`]);
    });
  }

  /** Makes the call under a fault. True where it came through. */
  #under(call: Call, how: How): boolean {
    const { form } = this.draw;
    call.restore();
    const before = call.bench.engine.stats();
    this.context.counts.calls++;
    let done = false;
    try {
      const got = copied(call.invoke(form, call.argumentsOf(form)));
      const { zSum: _, ...comparable } = this.expected;
      const wrong = differs(
        { ...got },
        form === 'prepare' ? comparable : this.expected,
        this.problem,
        this.context.settings,
      );
      if (wrong) this.fail(call, how, wrong);
      done = true;
    } catch (error) {
      if (error instanceof Finding) throw error;
      this.context.counts.errors++;
      const wrong =
        errorWrong(error, []) ??
        (error instanceof RangeError ? undefined : { check: 'throws no RangeError', detail: String(error) });
      if (wrong) this.fail(call, how, wrong);
    }
    const wrong = this.#kept(call, before, done);
    if (wrong) this.fail(call, how, wrong);
    return done;
  }

  #kept(call: Call, before: Stats, done: boolean): Wrong | undefined {
    // where it failed, even an input that was to be overwritten is as it was
    for (const { read, operand } of !done && call.inPlace ? call.inputs : []) {
      const { data } = operand.tensor;
      const i = firstChange(read(), data);
      if (i >= 0) return { check: 'fails and overwrites the input', detail: `[${i}] is no longer ${data[i]}` };
    }
    return call.changed(this.draw.form) ?? call.held(before, Infinity);
  }

  /** A limit that leaves the call a little more each time, until it comes through. */
  limit(): void {
    const base = this.#bench();
    const { bytesReserved } = base.engine.stats();
    base.dispose();
    for (const pages of [4, 32, 256]) {
      const bench = this.#bench(bytesReserved + pages * PAGE);
      try {
        if (this.#limited(bench, bytesReserved + pages * PAGE)) return;
      } finally {
        bench.dispose();
      }
    }
  }

  #limited(bench: Bench, limit: number): boolean {
    let call: Call;
    try {
      call = new Call(bench, this.problem, this.draw.call.out);
    } catch {
      // its operands do not fit; the limit is too low for this case
      return false;
    }
    try {
      for (const left of leftovers) {
        const free = fill(bench.engine, left);
        try {
          if (this.#under(call, filled(limit, left))) return true;
        } finally {
          free();
        }
      }
      return this.#under(call, { text: `maximumBytes: ${limit}`, code: [] });
    } finally {
      call.free();
    }
  }

  /** The k-th growth of any memory fails. */
  grow(): void {
    const { prototype } = WebAssembly.Memory;
    // the method itself, to be put back
    const own = Object.getOwnPropertyDescriptor(prototype, 'grow')!;
    const grow = own.value as (this: WebAssembly.Memory, pages: number) => number;
    for (let k = 1; k <= GROWTHS; k++) {
      const bench = this.#bench();
      const call = new Call(bench, this.problem, this.draw.call.out);
      let growths = 0;
      const faulty = function (this: WebAssembly.Memory, pages: number): number {
        if (++growths === k) throw new RangeError('WebAssembly.Memory.grow(): a fault');
        return grow.call(this, pages);
      };
      try {
        Object.defineProperty(prototype, 'grow', { ...own, value: faulty });
        this.#under(call, growing(k));
      } finally {
        Object.defineProperty(prototype, 'grow', own);
      }
      this.#under(call, { text: 'after a growth that failed', code: growing(k).code });
      call.free();
      bench.dispose();
      if (growths < k) return;
    }
  }

  /** The host has no room for another instance, or another memory. */
  instance(): void {
    const own = Object.getOwnPropertyDescriptor(WebAssembly, 'Instance')!;
    const { Instance } = WebAssembly;
    const construct = (): never => {
      throw new RangeError('WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance');
    };
    const call = new Call(this.context.bench(this.#tier), this.problem, 'absent');
    try {
      Object.defineProperty(WebAssembly, 'Instance', { ...own, value: new Proxy(Instance, { construct }) });
      this.context.library.createEngine(engineOptions(this.#tier)).dispose();
      this.fail(call, noRoom, {
        check: 'createEngine is accepted',
        detail: 'it made one all the same',
      });
    } catch (error) {
      if (error instanceof Finding) throw error;
      this.context.counts.errors++;
      const wrong = errorWrong(error, ['createEngine']);
      if (wrong) this.fail(call, noRoom, { ...wrong, check: `createEngine ${wrong.check}` });
    } finally {
      Object.defineProperty(WebAssembly, 'Instance', own);
      call.free();
    }
    this.context.library.createEngine(engineOptions(this.#tier)).dispose();
  }
}

export const faults: Campaign<FaultDraw> = {
  name: 'faults',
  share: 7,
  limit: 30,
  draws: (choice) =>
    fc.record({
      call: calls({ shapes, ...choice }),
      form: fc.constantFrom(...forms),
      way: fc.oneof(
        { weight: 5, arbitrary: fc.constant('limit' as const) },
        { weight: 5, arbitrary: fc.constant('grow' as const) },
        { weight: 1, arbitrary: fc.constant('instance' as const) },
      ),
    }),
  attempt(draw, context) {
    new Fault(draw, context)[draw.way]();
  },
  features: ({ call, form, way }) => new Set([...features(call), form, way]),
  show: ({ call: draw, form }, context) => shown(draw, form, context),
  gist: ({ call, form, way }) => new Set([call.op, form, way]),
  call: { get: ({ call }) => call, set: (draw, call) => ({ ...draw, call }) },
};
