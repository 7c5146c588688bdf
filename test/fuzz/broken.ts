/** The library with one thing broken, to prove that the fuzzer sees it. */
import type { Engine, EngineTensor, Host, Library, Tensor32 } from './api.ts';

type Anything = (...args: readonly unknown[]) => unknown;

/** What to break. `engine` is the one that the call runs on. */
export interface Breaker {
  /** Of which function, and of which of its forms ('fused' is the call itself). */
  readonly op: string;
  readonly form: 'fused' | 'forward' | 'backward' | 'prepare';
  /** Instead of the form. */
  readonly as: (original: Anything, args: readonly unknown[], engine: Engine) => unknown;
}

/** Breaks what engines do beside their losses. */
export interface EngineBreaker {
  readonly member: 'from' | 'tensor' | 'dispose' | 'stats';
  readonly as: (original: Anything, args: readonly unknown[], engine: Engine) => unknown;
}

export interface Damage {
  readonly losses?: readonly Breaker[];
  readonly engines?: readonly EngineBreaker[];
}

/** An object whose members are those of another, but for some. */
const over = <T extends object>(original: T, members: Readonly<Record<string, unknown>>): T =>
  // the engine is frozen, so a proxy of the engine itself would have to tell the truth
  new Proxy({} as T, {
    get: (_, key) => (typeof key === 'string' && key in members ? members[key] : Reflect.get(original, key)),
    has: (_, key) => Reflect.has(original, key),
  });

function brokenLoss(original: Anything & Host, breakers: readonly Breaker[], engine: () => Engine): Anything {
  const form = (name: Breaker['form'], call: Anything): Anything => {
    const breaker = breakers.find((each) => each.form === name);
    return breaker ? (...args) => breaker.as(call, args, engine()) : call;
  };
  const members = Object.keys(original).map((name) => [
    name,
    form(name as Breaker['form'], original[name] as Anything),
  ]);
  return Object.assign((...args: readonly unknown[]) => form('fused', original)(...args), Object.fromEntries(members));
}

function brokenMembers(host: Host, { losses = [] }: Damage, engine: () => Engine): Record<string, unknown> {
  const ops = [...new Set(losses.map(({ op }) => op))];
  const broken = ops.map((op) => {
    const own = losses.filter((each) => each.op === op);
    return [op, brokenLoss(host[op] as Anything & Host, own, engine)] as const;
  });
  return Object.fromEntries(broken);
}

function brokenEngine(engine: Engine, damage: Damage): Engine {
  const members = (damage.engines ?? []).map(({ member, as }) => [
    member,
    (...args: readonly unknown[]) => as(engine[member] as Anything, args, engine),
  ]);
  return over(engine, { ...brokenMembers(engine, damage, () => engine), ...Object.fromEntries(members) });
}

/** The library with this damage, on its default engine and on every other. */
export function broken(library: Library, damage: Damage): Library {
  let standard: Engine | undefined;
  const defaultEngine = (): Engine => {
    standard ??= brokenEngine(library.defaultEngine(), damage);
    return standard;
  };
  return over(library, {
    ...brokenMembers(library, damage, () => library.defaultEngine()),
    defaultEngine,
    createEngine: (options?: unknown) => brokenEngine(library.createEngine(options), damage),
  });
}

const gradOf = (result: unknown): Float32Array => (result as { grad: Tensor32 }).grad.data;

/** Every kind of promise, broken in the smallest way there is; which campaign must see it, and as what. */
export interface Fault {
  readonly name: string;
  readonly damage: Damage;
  readonly campaign: string;
  readonly check: RegExp;
}

const loss = (form: Breaker['form'], as: Breaker['as'], op = 'mse'): Damage => ({ losses: [{ op, form, as }] });

/** A fault where the operand is a tensor of the engine's memory. */
const inMemory = (value: unknown): value is EngineTensor =>
  typeof value === 'object' && value !== null && 'free' in value;

export const faultsToFind: readonly Fault[] = [
  {
    name: 'a wrong last element of the gradient',
    campaign: 'differential',
    check: /^fused grad: off$/,
    damage: loss('fused', (original, args) => {
      const result = original(...args);
      const grad = gradOf(result);
      if (grad.length > 4) grad[grad.length - 1]! *= 1.001;
      return result;
    }),
  },
  {
    name: 'an error of six units in the last place of the gradient',
    campaign: 'differential',
    check: /^backward grad: off$/,
    damage: loss('backward', (original, args) => {
      const result = original(...args);
      gradOf(result).forEach((v, i, grad) => {
        grad[i] = v * (1 + 12 * 2 ** -24);
      });
      return result;
    }),
  },
  {
    name: 'NaN for a number',
    campaign: 'differential',
    check: /^fused grad: NaN for a number$/,
    damage: loss('fused', (original, args) => {
      const result = original(...args);
      const grad = gradOf(result);
      grad.forEach((v, i) => {
        if (v === 0) grad[i] = Number.NaN;
      });
      return result;
    }),
  },
  {
    name: 'a number for NaN',
    campaign: 'differential',
    check: /a number for NaN$/,
    damage: loss('fused', (original, args) => {
      const result = original(...args);
      const grad = gradOf(result);
      grad.forEach((v, i) => {
        if (Number.isNaN(v)) grad[i] = 0;
      });
      return result;
    }),
  },
  {
    name: 'a count that is one too low',
    campaign: 'differential',
    check: /^forward count: off$/,
    damage: loss('forward', (original, args) => {
      const result = original(...args) as { count: number };
      return { ...result, count: Math.max(0, result.count - 1) };
    }),
  },
  {
    name: 'other bits for operands in memory',
    campaign: 'placement',
    check: /^fused grad differs$/,
    damage: loss('fused', (original, args) => {
      const result = original(...args);
      if (inMemory(args[0])) gradOf(result).fill(0, -1);
      return result;
    }),
  },
  {
    name: 'a gradient that does not go to out',
    campaign: 'placement',
    check: /^backward grad is not out$/,
    damage: loss('backward', (original, args) => {
      const result = original(...args) as { grad: Tensor32 };
      return { grad: { ...result.grad, data: result.grad.data.slice() } };
    }),
  },
  {
    name: 'a target that is written',
    campaign: 'placement',
    check: /^fused changes target$/,
    damage: loss('fused', (original, args) => {
      const result = original(...args);
      const target = args[1] as { data?: Float32Array };
      if (target.data instanceof Float32Array && target.data.length > 0) target.data[0]! += 1;
      return result;
    }),
  },
  {
    name: 'a value written past the end of out',
    campaign: 'placement',
    check: /^fused writes beside out$/,
    damage: loss('fused', (original, args) => {
      const result = original(...args);
      const { data } = (args[2] as { out?: Tensor32 } | undefined)?.out ?? {};
      if (data && data.byteOffset + data.byteLength < data.buffer.byteLength) {
        new Float32Array(data.buffer, data.byteOffset + data.byteLength, 1)[0] = 7;
      }
      return result;
    }),
  },
  {
    name: 'a tensor that is not given back',
    campaign: 'placement',
    check: /^forward leaks$/,
    damage: loss('forward', (original, args, engine) => {
      engine.tensor([1]);
      return original(...args);
    }),
  },
  {
    name: 'five mebibytes of scratch',
    campaign: 'placement',
    check: /^fused takes too much memory$/,
    damage: loss('fused', (original, args, engine) => {
      engine.memory.grow(80);
      return original(...args);
    }),
  },
  {
    name: 'a step that keeps its first input',
    campaign: 'steps',
    check: /^step (loss|grad|sum) differs$/,
    damage: loss('prepare', (original, args) => {
      const input = args[0] as { data?: unknown };
      const kept =
        input.data instanceof Float32Array && !inMemory(input) ? { ...input, data: input.data.slice() } : input;
      return original(kept, ...args.slice(1));
    }),
  },
  {
    name: 'an error that does not name the function',
    campaign: 'hostile',
    check: /: throws TypeError: no$/,
    damage: loss('fused', (original, args) => {
      try {
        return original(...args);
      } catch {
        throw new TypeError('no');
      }
    }),
  },
  {
    name: 'an argument of the wrong kind that is taken',
    campaign: 'hostile',
    check: /is accepted$/,
    damage: loss('forward', (original, args) => {
      try {
        return original(...args);
      } catch {
        return original([1], [1]);
      }
    }),
  },
  {
    name: 'out over the target',
    campaign: 'overlap',
    check: /^target and out: is accepted$/,
    damage: loss('fused', (original, args) => {
      const [input, target, options] = args as [unknown, { data?: Float32Array }, object | undefined];
      if (!(target.data instanceof Float32Array)) return original(...args);
      return original(input, { ...target, data: target.data.slice() }, options);
    }),
  },
  {
    name: 'a shape without values in another shape',
    campaign: 'huge',
    check: /grad: shape$/,
    damage: loss('fused', () => ({ grad: { data: new Float32Array(0), shape: [0] } })),
  },
  {
    name: 'a copy that keeps what it took when it fails',
    campaign: 'engine',
    check: /leaks$/,
    damage: {
      engines: [
        {
          member: 'from',
          as: (original, args, engine) => {
            try {
              return original(...args);
            } catch (error) {
              engine.tensor([1]);
              throw error;
            }
          },
        },
      ],
    },
  },
  {
    name: 'a tensor of something else than zeros',
    campaign: 'engine',
    check: /^a tensor holds something else$/,
    damage: {
      engines: [
        {
          member: 'tensor',
          as: (original, args) => {
            const tensor = original(...args) as EngineTensor;
            return tensor.data.fill(1) && tensor;
          },
        },
      ],
    },
  },
  {
    name: 'memory that is not there, said in the words of the host',
    campaign: 'faults',
    check: /^throws RangeError: WebAssembly\.Memory\.grow/,
    damage: loss('fused', (original, args, engine) => {
      try {
        return original(...args);
      } catch (error) {
        engine.memory.grow(70_000);
        throw error;
      }
    }),
  },
];
