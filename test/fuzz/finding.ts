/** What the fuzzer found, and what makes two findings the same. */
import type { CallDraw, OperandDraw } from './types.ts';

/** A broken promise of the library. */
export class Finding extends Error {
  override readonly name = 'Finding';
  /** Which check failed, without numbers: 'backward grad: NaN for a number'. */
  readonly check: string;
  /** The call as runnable code. */
  readonly code: string;

  constructor(check: string, detail: string, code: () => string) {
    super(`${check}: ${detail}`);
    this.check = check;
    this.code = code();
  }
}

/** A message without what differs from case to case: the function, numbers, shapes, quoted values. */
export const general = (message: string): string =>
  message
    // whichever function it was
    .replace(/^(\w+: |)[a-z]\w*(\.\w+)?: (\w+ is )?/, '$1…: $3')
    .replaceAll(/\[[^\]]*\]/g, '[…]')
    .replaceAll(/"[^"]*"/g, '"…"')
    .replaceAll(/-?\b\d[\d.e+-]*n?\b/g, '#')
    .slice(0, 160);

export const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  return `${error.constructor.name}: ${error.message}`;
};

function operandFeatures(name: string, draw: OperandDraw, plain: string): string[] {
  return [
    ...(draw.kind === plain ? [] : [`${name} ${draw.kind}`]),
    ...(draw.place === 'f32' || draw.place === 'list bare' ? [] : [`${name} in ${draw.place}`]),
  ];
}

/** What a call has beyond the simplest one. */
export function features(draw: CallDraw): ReadonlySet<string> {
  const { target, options, reduction, scale, emptyMean, out, tier, upstream, shape } = draw;
  return new Set([
    draw.op,
    ...operandFeatures('input', draw.input, 'ordinary'),
    ...(draw.second ? operandFeatures('second input', draw.second, 'ordinary') : []),
    ...operandFeatures('gradOutput', upstream, 'upstream'),
    ...(target ? [...operandFeatures('target', target, target.kind), target.what, `ignored ${target.ignored}`] : []),
    ...Object.keys(options),
    ...(draw.borrowed ? ['borrowed'] : []),
    ...(draw.borrowed?.spice === undefined ? [] : [`spice ${draw.borrowed.spice}`]),
    ...(reduction === undefined ? [] : [reduction]),
    ...(scale === undefined ? [] : [`scale ${scale}`]),
    ...(emptyMean === undefined ? [] : [emptyMean]),
    ...(out === 'absent' ? [] : [`out ${out}`]),
    ...(tier === 'module' ? [] : [tier]),
    ...(shape.includes(0) ? ['a size of 0'] : []),
    ...(shape.some((size) => size > 60) ? ['a long axis'] : []),
  ]);
}

/**
 * Whether a finding that was made as simple as it gets covers another that fails the same check: an error or too
 * much memory whatever the call, a wrong value where the other call has all that the simple one has.
 */
export const covers = (check: string, simple: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  /\bthrows\b|takes too|leaks/.test(check) ||
  [...simple].every((feature) => other.has(feature) || feature === 'ignored none');
