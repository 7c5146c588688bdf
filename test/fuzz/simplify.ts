/** Makes the values of a draw that fails simpler, one by one, for as long as it still fails. */
import { sizeOf } from '../reference/layout.ts';
import type { Campaign } from './campaigns/campaign.ts';
import { entries } from './losses.ts';
import { problemOf } from './problem.ts';
import { Rejected } from './rejected.ts';
import type { CallDraw, OperandDraw } from './types.ts';
import { decode, type Encoded, encode } from './values.ts';

/** Draws with more values than this stay as they are; so they do after so many attempts. */
const MOST_VALUES = 40;
const MOST_ATTEMPTS = 300;

/** What the reference draws stays as it is: other values might not be legal. */
const isOperand = (value: unknown): value is OperandDraw =>
  typeof value === 'object' && value !== null && 'kind' in value && 'place' in value;

/** Each operand of a call that is made of values, and how to give it others. */
function operandsOf(call: CallDraw): { name: string; set: (to: CallDraw, values: readonly Encoded[]) => CallDraw }[] {
  const own = (['input', 'second', 'target', 'upstream'] as const).flatMap((name) => {
    if (call[name] === undefined) return [];
    const set = (to: CallDraw, values: readonly Encoded[]): CallDraw => ({ ...to, [name]: { ...to[name], values } });
    const known = { input: name, second: entries[call.op]?.second ?? name, target: name, upstream: 'gradOutput' };
    return [{ name: known[name], set }];
  });
  const options = Object.entries(call.options).flatMap(([name, option]) => {
    if (!isOperand(option)) return [];
    const set = (to: CallDraw, values: readonly Encoded[]): CallDraw => ({
      ...to,
      options: { ...to.options, [name]: { ...(to.options[name] as OperandDraw), values } },
    });
    return [{ name, set }];
  });
  return [...own, ...options];
}

/** Simpler values than this one, the simplest first. */
function simpler(value: number): readonly number[] {
  const candidates = Number.isNaN(value)
    ? [0]
    : [0, 1, Math.trunc(value) + 0, Math.round(value * 2) / 2, Number(value.toPrecision(2))];
  return candidates.map((v) => Math.fround(v)).filter((v, i, all) => !Object.is(v, value) && all.indexOf(v) === i);
}

/** Leaves parts out for as long as it still fails. */
function shorten<D>(campaign: Campaign<D>, draw: D, fails: (draw: D) => boolean): D {
  const less = campaign.smaller?.(draw).find(fails);
  return less === undefined ? draw : shorten(campaign, less, fails);
}

const plainOperand = <T extends OperandDraw>(operand: T, kind: string): T[] => [
  ...(operand.place === 'f32' ? [] : [{ ...operand, place: 'f32' as const }]),
  ...(operand.kind === kind || operand.values ? [] : [{ ...operand, kind }]),
];

/** The call with one thing less, or one thing plainer, in every way. */
function plainer(call: CallDraw): readonly CallDraw[] {
  const { options, target, out, tier, reduction, scale, emptyMean, spelled } = call;
  const without = (name: keyof CallDraw): CallDraw => {
    const { [name]: _, ...rest } = call;
    return rest as CallDraw;
  };
  return [
    ...Object.keys(options).map((name) => {
      const { [name]: _, ...rest } = options;
      return { ...call, options: rest };
    }),
    ...(reduction === undefined ? [] : [without('reduction')]),
    ...(scale === undefined ? [] : [without('scale')]),
    ...(emptyMean === undefined ? [] : [without('emptyMean')]),
    ...(call.borrowed?.spice === undefined ? [] : [{ ...call, borrowed: { seed: call.borrowed.seed } }]),
    ...(spelled === 'absent' ? [] : [{ ...call, spelled: 'absent' as const }]),
    ...(out === 'absent' ? [] : [{ ...call, out: 'absent' as const }]),
    ...(tier === 'module' ? [] : [{ ...call, tier: 'module' as const }]),
    ...plainOperand(call.input, 'ordinary').map((input) => ({ ...call, input })),
    ...(call.second ? plainOperand(call.second, 'ordinary').map((second) => ({ ...call, second })) : []),
    ...plainOperand(call.upstream, 'upstream').map((upstream) => ({ ...call, upstream })),
    ...(target ? plainOperand(target, target.kind).map((plain) => ({ ...call, target: plain })) : []),
    ...(target && target.ignored !== 'none' ? [{ ...call, target: { ...target, ignored: 'none' as const } }] : []),
    ...Object.entries(options).flatMap(([name, option]) =>
      isOperand(option)
        ? plainOperand(option, 'positive').map((plain) => ({ ...call, options: { ...options, [name]: plain } }))
        : [],
    ),
  ];
}

/** Seconds after which a draw is simple enough. */
const MOST_SECONDS = 10;

export function simplify<D>(campaign: Campaign<D>, found: D, fails: (draw: D) => boolean): D {
  const { call } = campaign;
  const draw = shorten(campaign, found, fails);
  if (call === undefined) return draw;
  let best = draw;
  let attempts = 0;
  const end = Date.now() + 1000 * MOST_SECONDS;
  const accept = (next: CallDraw): boolean => {
    if (attempts++ > MOST_ATTEMPTS || Date.now() > end) return false;
    const candidate = call.set(best, next);
    if (!fails(candidate)) return false;
    best = candidate;
    return true;
  };
  while (plainer(call.get(best)).some(accept));
  const first = call.get(best);
  if (sizeOf(first.shape) > MOST_VALUES || first.borrowed) return best;
  for (const { name, set } of operandsOf(first)) {
    const values = valuesOf(first, name)?.map(encode);
    if (values === undefined || values.length > MOST_VALUES) continue;
    // spelled out as they are they may no longer fail: a target that is marked, say
    if (!accept(set(call.get(best), values))) continue;
    values.forEach((value, i) => {
      for (const candidate of simpler(decode(value))) {
        const next = values.with(i, encode(candidate));
        if (!accept(set(call.get(best), next))) continue;
        values[i] = next[i]!;
        break;
      }
    });
  }
  return best;
}

function valuesOf(call: CallDraw, name: string): readonly number[] | undefined {
  try {
    const { input, second, target, gradOutput, operands } = problemOf(call);
    const found = [input, second, gradOutput, target, ...operands].find((each) => each?.name === name);
    return found && Array.from(found.tensor.data);
  } catch (error) {
    if (error instanceof Rejected) return undefined;
    throw error;
  }
}
