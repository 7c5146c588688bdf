/**
 * The raw ABI of the modules (docs/abi.md), called as a host without the library would: strides and addresses that no wrapper
 * uses, class axes in blocks of any size. Results are those of the reference, and nothing else in memory has changed.
 */
import fc, { type Arbitrary } from 'fast-check';
import { type AbiDraw, KernelCall, PART } from '../abi/call.ts';
import type { StrideDraw } from '../abi/layout.ts';
import type { Context } from '../context.ts';
import { calls, edgeShapes, type ShapeDraw, tinyShapes } from '../draws.ts';
import { Finding, features, messageOf } from '../finding.ts';
import { misses, Truths } from '../judge.ts';
import { isActivation } from '../losses.ts';
import { problemOf } from '../problem.ts';
import { Rejected } from '../rejected.ts';
import type { CallDraw } from '../types.ts';
import type { Campaign } from './campaign.ts';

const tiers = ['simd', 'scalar', 'relaxed'] as const;

interface Draw {
  readonly call: CallDraw;
  readonly tier: (typeof tiers)[number];
  readonly abi: AbiDraw;
}

const strides: Arbitrary<StrideDraw> = fc.record({
  step: fc.constantFrom(0, 1, 3, 7),
  outer: fc.constantFrom(0, 1, 5, 60),
  transposed: fc.boolean(),
  offset: fc.nat({ max: 15 }),
});

/** A long class axis, to be cut. */
const cutShapes: Arbitrary<ShapeDraw> = fc
  .record({
    classes: fc.constantFrom(2049, 4096, 5000, 6143, 6145),
    inner: fc.constantFrom(1, 2, 5, 64),
    outer: fc.constantFrom(1, 2),
  })
  .map(({ classes, inner, outer }) => ({ shape: inner === 1 ? [outer, classes] : [1, classes, inner], axis: 1 }));

const whole = fc.constant(0);
const parts = fc.constantFrom(PART, 2 * PART, 0);

/** What a case says before its numbers: the legal call, how it lies, and the form. */
const show = ({ call, tier, abi }: Draw): string =>
  [`// kernel of ${call.op}, ${tier} module`, `// ${JSON.stringify(abi)}`, `// ${JSON.stringify(call)}`].join('\n');

function attempt({ call: draw, tier, abi }: Draw, context: Context): void {
  const module = context.settings.modules?.[tier];
  if (module === undefined) throw new Rejected('there is no such module');
  const problem = problemOf({ ...draw, tier: 'module' });
  const { entry, truth } = problem;
  // the host divides by powers of 2^100 what no float32 holds, which is for the library to do
  if (truth.scale !== undefined) throw new Rejected('a scale is for the host');
  const truths = new Truths(problem);
  const activation = isActivation(entry);
  for (const form of activation ? (['backward'] as const) : (['fused', 'backward'] as const)) {
    const fail = (check: string, detail: string): never => {
      throw new Finding(`${form} ${check}`, detail, () => `${show({ call: draw, tier, abi })}\n// ${form}`);
    };
    const kernel = new KernelCall(context.instance(tier, module), problem, abi);
    context.counts.calls++;
    try {
      const outcome = kernel.run(form === 'backward');
      context.counts.compared += outcome.grad!.data.length;
      const wrong = misses(form, outcome, truths);
      if (wrong) fail(wrong.check, wrong.detail);
    } catch (error) {
      if (error instanceof Finding || error instanceof Rejected) throw error;
      fail('traps', messageOf(error));
    }
    const damage = kernel.arena.damage();
    if (damage !== undefined) fail('writes where it may not', damage);
  }
}

export const abi: Campaign<Draw> = {
  name: 'abi',
  share: 7,
  limit: 60,
  draws: (choice) => {
    const drawn = (shapes: Arbitrary<ShapeDraw>, part: Arbitrary<number>): Arbitrary<Draw> =>
      fc.record({
        call: calls({ ...choice, shapes, tier: 'module' }),
        tier: fc.constantFrom(...tiers),
        abi: fc.record({
          input: strides,
          target: strides,
          grad: strides,
          inPlace: fc.boolean(),
          columns: fc.boolean(),
          part,
        }),
      });
    return fc.oneof(
      { weight: 4, arbitrary: drawn(tinyShapes, whole) },
      { weight: 3, arbitrary: drawn(edgeShapes, whole) },
      { weight: 1, arbitrary: drawn(cutShapes, parts) },
    );
  },
  attempt,
  features: ({ call, tier, abi }) =>
    new Set([
      ...features(call),
      tier,
      ...(abi.part > 0 ? ['cut'] : []),
      ...(abi.inPlace ? ['in place'] : []),
      ...(abi.columns ? ['columns'] : []),
      ...(abi.input.step > 0 || abi.input.transposed ? ['input apart'] : []),
    ]),
  show,
  gist: ({ call, tier }) => new Set([call.op, tier]),
  call: { get: ({ call }) => call, set: (draw, call) => ({ ...draw, call }) },
};
