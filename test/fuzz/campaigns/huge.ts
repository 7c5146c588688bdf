/** Shapes of huge sizes and a 0: no values, so no work and no time, whatever the sizes multiply to. */
import fc from 'fast-check';
import { activationOf, type Host, lossOf, type Tensor32 } from '../api.ts';
import type { Form } from '../calls.ts';
import { program } from '../code.ts';
import type { Context } from '../context.ts';
import { errorWrong } from '../errors.ts';
import { Finding } from '../finding.ts';
import { entries, isActivation, names } from '../losses.ts';
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
  const zero = at % (sizes.length + 1);
  const shape = [...sizes.slice(0, zero), 0, ...sizes.slice(zero)];
  // what is required has a value for each class
  const axis = entry.required.length > 0 ? zero : drawn % shape.length;
  const byClass = entry.family === 'class';
  const lossShape = byClass ? shape.toSpliced(axis, 1) : shape;
  const activation = isActivation(entry);
  const options = {
    ...(byClass && { axis }),
    ...(!activation && { reduction }),
    ...Object.fromEntries(entry.required.map((name) => [name, [[]]])),
  };
  const empty = (of: readonly number[]) => ({ data: new Float32Array(0), shape: of });
  const input = empty(shape);
  const target = activation ? [] : [empty(entry.targets.includes('indices') ? lossShape : shape)];
  const upstream = activation ? empty(shape) : reduction === 'none' ? empty(lossShape) : 1;
  const args = form === 'backward' ? [upstream, input, ...target, options] : [input, ...target, options];
  const callee = `${op}${form === 'fused' || (activation && form === 'forward') ? '' : `.${form}`}`;
  return { shape, args, callee, activation };
}

function show(draw: HugeDraw, context: Context): string {
  const { args, callee } = callOf(draw);
  const text = JSON.stringify(args, (_, v: unknown) => (v instanceof Float32Array ? 'none' : v)).slice(1, -1);
  return program(context.bench('module'), [
    `console.log(host.${callee}(${text.replaceAll('"none"', 'new Float32Array(0)')}));`,
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
  if (form === 'fused') return lossOf(host, op)(...args).grad;
  if (form === 'backward') return lossOf(host, op).backward(...args).grad;
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
      op: fc.constantFrom(...names.filter((op) => !entries[op]!.loss && (ops === undefined || ops.includes(op)))),
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
