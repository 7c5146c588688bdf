/**
 * Engines as a model says: tensors, copies and slices hold what was written, also after memory has grown; what throws keeps
 * nothing; what was freed or disposed says so; and at the end nothing is held.
 */
import fc from 'fast-check';
import { sizeOf } from '../../reference/layout.ts';
import { activationOf, type Engine, type EngineTensor, engineOptions, type Stats, type TierName } from '../api.ts';
import type { Context } from '../context.ts';
import { seeds } from '../draws.ts';
import { errorWrong } from '../errors.ts';
import { Finding, general, messageOf } from '../finding.ts';
import { wrongMakers } from '../hostile/engines.ts';
import { entries, isActivation, isElementwise, names } from '../losses.ts';
import { literal } from '../places.ts';
import { generate } from '../values.ts';
import type { Campaign } from './campaign.ts';

const acts = ['tensor', 'from', 'write', 'slice', 'call', 'free', 'grow', 'wrong', 'use freed'] as const;
const kinds = ['f32', 'f64', 'i8', 'i32', 'u32', 'i64', 'list', 'nested', 'tensor'] as const;

interface Action {
  readonly act: (typeof acts)[number];
  readonly shape: readonly number[];
  readonly kind: (typeof kinds)[number];
  /** Which tensor, or which wrong argument. */
  readonly at: number;
  readonly seed: number;
}

interface EngineDraw {
  readonly tier: Exclude<TierName, 'module'>;
  readonly actions: readonly Action[];
}

/** What a tensor should hold. A slice shares the list with its owner, from an offset on. */
interface Model {
  readonly name: string;
  readonly tensor: EngineTensor;
  readonly values: number[];
  readonly offset: number;
  readonly size: number;
  readonly owner: Model | undefined;
  freed: boolean;
}

/** What makes engines and tensors may speak with or without the engine's name, and go on to an argument: `tensor.shape`. */
const ofEngine = [/^((engine|tensor)\.)?(tensor|from|slice|createEngine|free)\b/];

const pointwise = names.filter((name) => isActivation(entries[name]!) && isElementwise(entries[name]!));

class Session {
  readonly engine: Engine;
  readonly lines: string[];
  readonly #context: Context;
  readonly #models: Model[] = [];
  readonly #start: Stats;

  constructor(context: Context, tier: TierName) {
    this.#context = context;
    this.engine = context.library.createEngine(engineOptions(tier));
    this.#start = this.engine.stats();
    this.lines = [
      "import * as lossmith from 'lossmith';",
      `const engine = lossmith.createEngine(${JSON.stringify(engineOptions(tier))});`,
    ];
  }

  fail(check: string, detail: string): never {
    throw new Finding(check, detail, () => [...this.lines, `// ${check}: ${detail}`].join('\n'));
  }

  /** Runs what must succeed. */
  #do<T>(line: string, run: () => T): T {
    this.lines.push(line);
    this.#context.counts.calls++;
    try {
      return run();
    } catch (error) {
      return this.fail(`throws ${general(messageOf(error))}`, messageOf(error));
    }
  }

  /** Runs what must throw, if it must, a named error; nothing is kept. */
  #refuse(what: string, line: string, may: boolean, run: () => unknown): void {
    this.lines.push(line);
    const before = this.engine.stats();
    this.#context.counts.errors++;
    try {
      run();
    } catch (error) {
      const wrong = errorWrong(error, ofEngine);
      if (wrong) this.fail(`${what}: ${wrong.check}`, wrong.detail);
      this.#unchanged(what, before);
      return;
    }
    if (!may) this.fail(`${what}: is accepted`, 'it must throw');
    this.#unchanged(what, before);
  }

  #unchanged(what: string, before: Stats): void {
    const after = this.engine.stats();
    if (after.bytesInUse === before.bytesInUse && after.liveTensors === before.liveTensors) return;
    this.fail(
      `${what}: leaks`,
      `${after.bytesInUse} bytes of ${after.liveTensors} tensors, ${before.bytesInUse} of ${before.liveTensors} before`,
    );
  }

  #live(at: number): Model | undefined {
    const live = this.#models.filter(({ freed, owner }) => !freed && !owner?.freed);
    return live[at % Math.max(1, live.length)];
  }

  #add(tensor: EngineTensor, values: number[], more: Partial<Model> = {}): void {
    const name = `t${this.#models.length}`;
    this.#models.push({
      name,
      tensor,
      values,
      offset: 0,
      size: values.length,
      owner: undefined,
      freed: false,
      ...more,
    });
  }

  get #next(): string {
    return `const t${this.#models.length}`;
  }

  act({ act, shape, kind, at, seed }: Action): void {
    const size = sizeOf(shape);
    const sizes = `[${shape.join(', ')}]`;
    const found = this.#live(at);
    const todo: Record<Action['act'], () => void> = {
      tensor: () => {
        const dtype = kind.startsWith('i') ? 'int32' : 'float32';
        const line = `${this.#next} = engine.tensor(${sizes}, '${dtype}');`;
        this.#add(
          this.#do(line, () => this.engine.tensor(shape, dtype)),
          Array<number>(size).fill(0),
        );
      },
      from: () => this.#from(shape, kind, seed, found),
      write: () => {
        if (!found || found.size === 0) return;
        const i = seed % found.size;
        const value = seed % 1000;
        this.#do(`${found.name}.data[${i}] = ${value};`, () => {
          found.tensor.data[i] = value;
        });
        found.values[found.offset + i] = value;
      },
      slice: () => this.#slice(found, seed),
      call: () => this.#call(found, at),
      free: () => {
        if (!found) return;
        this.#do(`${found.name}.free();`, () => found.tensor.free());
        found.freed = true;
      },
      grow: () => {
        this.#do('engine.memory.grow(1);', () => this.engine.memory.grow(1));
      },
      wrong: () => {
        const { name, may = false, make } = wrongMakers[(at + seed) % wrongMakers.length]!;
        this.#refuse(name, `(${make.toString()})(engine, lossmith);`, may, () =>
          make(this.engine, this.#context.library),
        );
      },
      'use freed': () => {
        const gone = this.#models.filter(({ freed, owner }) => freed || owner?.freed);
        const one = gone[at % Math.max(1, gone.length)];
        if (!one) return;
        this.#refuse('data of a freed tensor', `${one.name}.data;`, false, () => one.tensor.data);
      },
    };
    todo[act]();
    this.#look();
  }

  #from(shape: readonly number[], kind: Action['kind'], seed: number, found: Model | undefined): void {
    const size = sizeOf(shape);
    const values = generate('whole', seed, size).map((v) => (kind.startsWith('u') ? Math.abs(v) : v));
    const text = literal(values);
    const sources: Record<Action['kind'], () => readonly [unknown, string]> = {
      f32: () => [Float32Array.from(values), `Float32Array.of(${text})`],
      f64: () => [Float64Array.from(values), `Float64Array.of(${text})`],
      i8: () => [Int8Array.from(values), `Int8Array.of(${text})`],
      i32: () => [Int32Array.from(values), `Int32Array.of(${text})`],
      u32: () => [Uint32Array.from(values), `Uint32Array.of(${text})`],
      i64: () => [BigInt64Array.from(values, BigInt), `BigInt64Array.from([${text}], BigInt)`],
      list: () => [[...values], `[${text}]`],
      nested: () => [values.map((v) => [v]), `[${values.map((v) => `[${v}]`).join(', ')}]`],
      tensor: () => (found ? [found.tensor, found.name] : [[...values], `[${text}]`]),
    };
    const [source, code] = sources[kind]();
    const copies = kind === 'tensor' && found;
    const own = copies ? found.values.slice(found.offset, found.offset + found.size) : values;
    const wanted = copies ? [...found.tensor.shape] : kind === 'nested' && size === 0 ? [0] : [...shape];
    const line = `${this.#next} = engine.from(${code}, [${wanted.join(', ')}]);`;
    this.#add(
      this.#do(line, () => this.engine.from(source, wanted)),
      kind === 'nested' && size === 0 ? [] : own,
    );
  }

  #slice(found: Model | undefined, seed: number): void {
    const rows = found?.tensor.shape[0];
    if (!found || rows === undefined) return;
    const from = seed % (rows + 1);
    const to = from + ((seed >> 8) % (rows + 1 - from));
    const row = sizeOf(found.tensor.shape.slice(1));
    const tensor = this.#do(`${this.#next} = ${found.name}.slice(${from}, ${to});`, () => found.tensor.slice(from, to));
    const owner = found.owner ?? found;
    this.#add(tensor, found.values, { offset: found.offset + from * row, size: (to - from) * row, owner });
  }

  /** The result on a tensor is that on an array. */
  #call(found: Model | undefined, at: number): void {
    if (!found) return;
    const op = pointwise[at % pointwise.length]!;
    const array = Float32Array.from(found.values.slice(found.offset, found.offset + found.size));
    const { data } = this.#do(`engine.${op}(${found.name});`, () => activationOf(this.engine, op)(found.tensor));
    const expected = activationOf(this.engine, op)({ data: array, shape: found.tensor.shape }).data;
    const i = expected.findIndex((v, k) => !Object.is(v, data[k]));
    if (i >= 0 || data.length !== expected.length)
      this.fail(`${op} of a tensor differs`, `[${i}] is ${data[i]}, and ${expected[i]}`);
  }

  /** Every tensor holds what it should. */
  #look(): void {
    for (const { name, tensor, values, offset, size, freed, owner } of this.#models) {
      if (freed || owner?.freed) continue;
      const { data } = tensor;
      if (data.length !== size)
        this.fail('a tensor has another length', `${name}.data has ${data.length} values, expected ${size}`);
      if (data.buffer !== this.engine.memory.buffer)
        this.fail('data of a tensor is no view of the memory', `${name}.data`);
      const i = data.findIndex((v, k) => v !== values[offset + k]);
      if (i >= 0)
        this.fail('a tensor holds something else', `${name}.data[${i}] is ${data[i]}, expected ${values[offset + i]}`);
    }
    const owners = this.#models.filter(({ freed, owner }) => !freed && owner === undefined).length;
    const { liveTensors } = this.engine.stats();
    if (liveTensors !== owners) this.fail('liveTensors is wrong', `${liveTensors}, expected ${owners}`);
  }

  /** Frees everything, then ends the engine. */
  end(): void {
    for (const { name, tensor, freed, owner } of this.#models) {
      if (!freed && owner === undefined) this.#do(`${name}.free();`, () => tensor.free());
    }
    this.#unchanged('everything freed', this.#start);
    const last = this.#do('const last = engine.tensor([2]);', () => this.engine.tensor([2]));
    this.#do('engine.dispose();', () => this.engine.dispose());
    const disposed: Record<string, () => unknown> = {
      'last.data': () => last.data,
      'engine.tensor([1])': () => this.engine.tensor([1]),
      'engine.from([1])': () => this.engine.from([1]),
      'engine.stats()': () => this.engine.stats(),
      'engine.memory': () => this.engine.memory,
      ...Object.fromEntries(pointwise.map((op) => [`engine.${op}([1])`, () => activationOf(this.engine, op)([1])])),
    };
    for (const [text, use] of Object.entries(disposed)) this.#afterEnd(text, use);
    this.#do('last.free(); engine.dispose();', () => {
      last.free();
      this.engine.dispose();
    });
  }

  #afterEnd(text: string, use: () => unknown): void {
    this.lines.push(`${text};`);
    this.#context.counts.errors++;
    try {
      use();
    } catch (error) {
      if (error instanceof TypeError && /^lossmith: .*disposed/.test(error.message)) return;
      this.fail(`after dispose throws ${general(messageOf(error))}`, messageOf(error));
    }
    this.fail(`after dispose ${text} is accepted`, 'it must throw');
  }
}

export const engine: Campaign<EngineDraw> = {
  name: 'engine',
  share: 6,
  limit: 15,
  draws: () =>
    fc.record({
      tier: fc.constantFrom('simd', 'scalar', 'relaxed', 'deterministic'),
      actions: fc.array(
        fc.record({
          act: fc.constantFrom(...acts),
          shape: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
          kind: fc.constantFrom(...kinds),
          at: fc.nat({ max: 60 }),
          seed: seeds,
        }),
        { minLength: 1, maxLength: 10 },
      ),
    }),
  attempt({ tier, actions }, context) {
    const session = new Session(context, tier);
    for (const each of actions) session.act(each);
    session.end();
  },
  // what a case does shows in the check that fails
  features: () => new Set(),
  show: (draw) => `// ${JSON.stringify(draw)}`,
  gist: ({ actions }) => new Set(actions.map(({ act }) => act)),
  smaller: (draw) => draw.actions.map((_, i) => ({ ...draw, actions: draw.actions.toSpliced(i, 1) })),
};
