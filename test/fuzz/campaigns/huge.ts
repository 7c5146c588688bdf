/** Shapes of huge sizes and a 0: no values, so no work and no time, whatever the sizes multiply to. */
import fc from 'fast-check';
import { sizeOf } from '../../reference/layout.ts';
import { activationOf, type Host, lossOf, type Tensor32 } from '../api.ts';
import type { Form } from '../calls.ts';
import { program } from '../code.ts';
import type { Context } from '../context.ts';
import { errorWrong } from '../errors.ts';
import { Finding } from '../finding.ts';
import { entries, hasAxis, names, requiredOf } from '../losses.ts';
import { outcomeOf } from '../outcome.ts';
import { Rejected } from '../rejected.ts';
import type { Campaign } from './campaign.ts';

interface HugeDraw {
  readonly op: string;
  readonly sizes: readonly number[];
  readonly zero: number;
  readonly axis: number;
  readonly form: Exclude<Form, 'prepare'>;
  readonly reduction: 'mean' | 'none';
}

const SECONDS = 2;

const largest: readonly number[] = [1, 2, 1000, 65536, 1e6, 1e9, 2 ** 31 - 1, 2 ** 32, 1e12, 2 ** 53 - 1];

/** The call of a draw, and what its gradient is shaped like. */
function callOf({ op, sizes, zero: at, axis: drawn, form, reduction }: HugeDraw) {
  const entry = entries[op]!;
  const { loss, second, record } = entry;
  const { options: kinds, walk } = record;
  const zero = at % (sizes.length + 1);
  const shape = [...sizes.slice(0, zero), 0, ...sizes.slice(zero)];
  // maps have a value for each class
  const maps = requiredOf(entry).some((name) => kinds[name]!.kind === 'components');
  const axis = maps ? zero : hasAxis(entry) ? drawn % shape.length : shape.length - 1;
  const rows = shape.toSpliced(axis, 1);
  const lossShape = walk === 'element' ? shape : walk === 'group' ? [...rows.slice(0, 1), shape[axis]!] : rows;
  const options = {
    ...(hasAxis(entry) && { axis }),
    ...(loss && { reduction }),
    ...Object.fromEntries(requiredOf(entry).map((name) => [name, kinds[name]!.kind === 'components' ? [[]] : 1])),
  };
  // a loss for each of many samples without a class is no small result
  if (reduction === 'none' && sizeOf(lossShape) > 0) throw new Rejected('it has losses');
  const empty = (of: readonly number[]) => ({ data: new Float32Array(0), shape: of });
  const first = empty(shape);
  // of a second input there is one value for each row, and rows without values may be many
  if (second !== undefined && rows.every((size) => size > 0)) throw new Rejected('it has values');
  const input = second === undefined ? first : { [record.names[0]]: first, [second]: empty(rows) };
  const target = loss ? [empty(entry.targets.includes('indices') ? rows : shape)] : [];
  const upstream = !loss ? empty(shape) : reduction === 'none' ? empty(lossShape) : 1;
  const args = form === 'backward' ? [upstream, input, ...target, options] : [input, ...target, options];
  const callee = `${op}${form === 'fused' || (!loss && form === 'forward') ? '' : `.${form}`}`;
  return { shape, args, callee, activation: loss === undefined };
}

function show(draw: HugeDraw, context: Context): string {
  const { args, callee } = callOf(draw);
  const text = JSON.stringify(args, (_, v: unknown) => (v instanceof Float32Array ? 'no values' : v)).slice(1, -1);
  return program(context.bench('module'), [
    `console.log(host.${callee}(${text.replaceAll('"no values"', 'new Float32Array(0)')}));`,
  ]);
}

/** The gradient of a call, or the result of an activation. */
function gradOf(
  { op, form }: HugeDraw,
  host: Host,
  args: readonly unknown[],
  activation: boolean,
): Tensor32 | undefined {
  if (activation)
    return form === 'backward' ? activationOf(host, op).backward(...args) : activationOf(host, op)(...args);
  const entry = entries[op]!;
  if (form === 'fused') return outcomeOf(entry, lossOf(host, op)(...args)).grad;
  if (form === 'backward') return outcomeOf(entry, lossOf(host, op).backward(...args)).grad;
  lossOf(host, op).forward(...args);
  return undefined;
}

function attempt(draw: HugeDraw, context: Context): void {
  const { shape, args, callee, activation } = callOf(draw);
  const fail = (check: string, detail: string): never => {
    throw new Finding(`${draw.form} ${check}`, detail, () => show(draw, context));
  };
  const start = Date.now();
  let grad: Tensor32 | undefined;
  try {
    grad = gradOf(draw, context.bench('module').host, args, activation);
  } catch (error) {
    context.counts.errors++;
    const wrong = errorWrong(error, [callee]);
    if (wrong) fail(wrong.check, wrong.detail);
  }
  context.counts.calls++;
  const seconds = (Date.now() - start) / 1000;
  if (seconds > SECONDS) fail('takes too long', `${seconds} s, at most ${SECONDS}`);
  if (grad && (grad.data.length > 0 || grad.shape.join() !== shape.join())) fail('grad: shape', `[${grad.shape}]`);
}

export const huge: Campaign<HugeDraw> = {
  name: 'huge',
  share: 3,
  limit: 5,
  draws: ({ ops }) =>
    fc.record({
      op: fc.constantFrom(...names.filter((op) => ops === undefined || ops.includes(op))),
      sizes: fc.array(fc.constantFrom(...largest), { minLength: 0, maxLength: 4 }),
      zero: fc.nat({ max: 4 }),
      axis: fc.nat({ max: 4 }),
      form: fc.constantFrom('fused', 'forward', 'backward'),
      reduction: fc.constantFrom('mean', 'none'),
    }),
  attempt,
  features: ({ op, form }) => new Set([op, form]),
  show,
  gist: ({ op }) => new Set([op]),
};
