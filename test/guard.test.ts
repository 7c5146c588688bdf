/** No kernel touches a byte that is not its own, or lets one that was never written show in a result: every loss and tier. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../src/index.ts';
import { Guarded } from './guard.ts';
import { expectSame, expectSameGradients, expectSameLosses, freed, PlacedCall, type Placement } from './placement.ts';
import { sampled, whole } from './sample.ts';
import {
  activationCases,
  activationNames,
  activationOf,
  type LossCase,
  lossCases,
  lossNames,
  lossOf,
  randomLossCase,
  tiers,
} from './tiers.ts';

const inside: Placement = { input: true, target: true, weights: true, out: 'tensor' };
const inPlace: Placement = { ...inside, out: 'input' };
const outside: Placement = { input: false, target: false, weights: false, out: 'array' };
/** A gradient outside is copied out of scratch, so that the input's copy and its gradient are two regions. */
const gradOutside: Placement = { ...inside, out: 'none' };
const everywhere = [inside, inPlace, gradOutside, outside];

describe.each(tiers)('%s', (tier) => {
  const guarded = new Guarded(tier);
  const plain = createEngine({ tier });

  /** A case in every form, where `where` says. */
  function check(each: LossCase, where: Placement): void {
    const expected = lossOf(plain, each.op)(each.input, each.target, each.options);
    const backward = lossOf(plain, each.op).backward(each.gradOutput, each.input, each.target, each.options);
    const placed = new PlacedCall(guarded.engine, each, where);
    const { loss, input, target, options } = placed;
    const outs = placed.outs.map(({ data }) => data);
    const { out: _, ...withoutOut } = options;
    const { name } = each;
    const forward = guarded.watch(`${name}, forward`, [], () => loss.forward(input, target, withoutOut));
    expectSame(`${name}, forward`, forward.loss, expected.loss);

    const gradOutput =
      typeof each.gradOutput !== 'number' && where.weights ? guarded.engine.from(each.gradOutput) : each.gradOutput;
    const back = guarded.watch(`${name}, backward`, outs, () => loss.backward(gradOutput, input, target, options));
    expectSameGradients(`${name}, backward`, back, backward);
    freed(gradOutput);
    if (where.out === 'input') placed.reset();

    const fused = guarded.watch(name, outs, () => loss(input, target, options));
    expectSameLosses(name, fused, expected);
    expectSameGradients(name, fused, expected);
    if (where.out === 'input') placed.reset();

    const step = guarded.working(() => placed.prepare());
    for (let i = 0; i < 2; i++) {
      expectSame(`${name}, step`, guarded.watch(`${name}, step`, outs, step), expected.loss);
      expectSameGradients(`${name}, step`, step, expected);
      if (where.out === 'input') placed.reset();
    }
    step.free();
    placed.free();
  }

  it.each(lossNames)('%s writes its out, its plan and its scratch alone', (op) => {
    const cases = lossCases.filter((each) => each.op === op);
    expect(cases.length).toBeGreaterThan(10);
    // each case in one place: every place sees a quarter of them
    for (const [i, each] of sampled(cases, 0.3, 4).entries())
      check(each, everywhere[(i + tiers.indexOf(tier)) % everywhere.length]!);
  });

  it('a loss on any shape writes its out, its plan and its scratch alone', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...everywhere), (seed, each) => check(randomLossCase(seed), each)),
      { seed: Number(process.env.FC_SEED ?? 11), numRuns: whole ? 150 : 40 },
    );
  });

  it.each(activationNames)('%s writes its out, its plan and its scratch alone', (op) => {
    const expected = activationOf(plain, op);
    const activation = activationOf(guarded.engine, op);
    for (const { name, op: own, input, gradOutput, options } of activationCases) {
      if (own !== op) continue;
      const forward = expected(input, options);
      const backward = expected.backward(gradOutput, input, options);
      const [x, g, out] = [
        guarded.engine.from(input),
        guarded.engine.from(gradOutput),
        guarded.engine.tensor(input.shape),
      ];
      for (const target of [out, x]) {
        const results = [
          [() => activation(x, { ...options, out: target }), forward],
          [() => activation.backward(g, x, { ...options, out: target }), backward],
        ] as const;
        for (const [call, wanted] of results) {
          expectSame(name, guarded.watch(name, [target.data], call), wanted);
          x.data.set(input.data);
        }
      }
      expectSame(
        name,
        guarded.watch(name, [], () => activation(input, options)),
        forward,
      );
      for (const tensor of [x, g, out]) tensor.free();
    }
  });
});

describe('the guards themselves', () => {
  it('see a byte that is written beside a tensor, and a write where none is allowed', () => {
    const guarded = new Guarded('scalar');
    const tensor = guarded.engine.tensor([3]);
    const raw = new Uint8Array(guarded.engine.memory.buffer);
    const write = (at: number) => () => guarded.watch('a write', [tensor.data], () => raw.fill(1, at, at + 1));
    const { byteOffset, byteLength } = tensor.data;
    expect(write(byteOffset)).not.toThrow();
    expect(write(byteOffset + byteLength)).toThrow(`a write: byte ${byteOffset + byteLength} was written`);
    expect(write(byteOffset - 1)).toThrow(`byte ${byteOffset - 1} was written`);
    expect(() => tensor.free()).toThrow('in front of a block');
  });
});
