/**
 * The raw ABI as docs/abi.md states it: the modules in dist/wasm called by nothing but WebAssembly.instantiate and a
 * DataView, at the offsets of the page's own table, against the float64 references.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { FLAGS, PLAN, PLAN_BYTES } from '../src/generated/plan.ts';
import { documented, expectClose, fields, Host, indices, page, values } from './readme/host.ts';
import { activations, type ReferenceOptions, reference, references, tensor64 } from './reference/index.ts';

test('the page has every field of a Plan, its size, its flags, in order', () => {
  const sizes = new Map(
    [...fields].map(([name, { offset, type }]) => [name, type === 'f64' ? offset / 8 : offset / 4]),
  );
  expect(Object.fromEntries(sizes)).toEqual(PLAN);
  expect([...fields.keys()]).toEqual(Object.keys(PLAN));
  expect(page).toContain(`${PLAN_BYTES} bytes, little-endian`);
  expect(page).toContain(`planBytes() !== ${PLAN_BYTES}`);
  for (const [name, value] of Object.entries(FLAGS)) {
    expect(page.includes(`| ${name} | ${value} |`) || page.includes(`${name} = ${value}`), name).toBe(true);
  }
});

test('the page names a kernel for every loss and activation, and where its options go', () => {
  const named = new Set([...page.matchAll(/^\| \[`\w+`\]\(.*?\) \| (\w+)/gm)].map(([, name]) => name!));
  const all = [...Object.keys(references), ...Object.keys(activations)].filter(
    (name) => name !== 'uncertaintyWeighted',
  );
  expect([...named].sort()).toEqual(all.sort());
});

describe.each(['scalar', 'simd', 'relaxed'])('the %s module', (tier) => {
  const bytes = readFileSync(new URL(`../dist/wasm/${tier}.wasm`, import.meta.url));
  let host: Host;
  beforeAll(async () => {
    const { module, instance } = await WebAssembly.instantiate(bytes, {});
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    expect(
      WebAssembly.Module.exports(module)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...documented].sort());
    host = new Host(instance);
    expect(host.call('planBytes')).toBe(PLAN_BYTES);
    expect(host.call('tier')).toBe(['scalar', 'simd', 'relaxed'].indexOf(tier));
  });

  /** A Plan for class operations, its logits placed; `rows`: the kernel walks long rows one by one. */
  function classPlan(outer: number, classes: number, inner: number, seed: number, rows = false) {
    const logits = values(outer * classes * inner, seed);
    const grad = host.reserve(4 * logits.length);
    const [step, row] = [inner, classes * inner];
    host.set(Object.fromEntries([...fields.keys()].map((name) => [name, 0])));
    host.set({ input: host.floats(logits), inputOuter: row, inputStep: step, targetOuter: row, targetStep: step });
    host.set({ outer, middle: classes, inner, total: classes, phase: FLAGS.EVERY_PHASE, ignoreIndex: -100, bad: -1 });
    host.set({ flags: rows && inner === 1 ? 0 : FLAGS.COLUMNS });
    const shape = inner === 1 ? [outer, classes] : [outer, classes, inner];
    return { grad, logits, input: tensor64(logits, shape), row, step };
  }

  /** Adds flags. */
  const flag = (flags: number): void => host.set({ flags: host.get('flags') | flags });
  type Placed = ReturnType<typeof classPlan>;
  const gradientTo = ({ grad, row, step }: Placed): void => host.set({ grad, gradOuter: row, gradStep: step });

  test.each([
    [3, 5, 1],
    [4, 147, 1],
    [2, 3, 11],
  ])('crossEntropy, mean, over [%i, %i, %i]', (outer, classes, inner) => {
    const plan = classPlan(outer, classes, inner, 1, true);
    const target = indices(outer * inner, classes);
    target[1] = -100;
    host.set({ indices: host.integers(target) });
    flag(FLAGS.INDICES);
    host.call('scanSamples', host.plan);
    expect(host.get('bad')).toBe(-1);
    host.set({ upstream: 1 / host.get('weightSum') });
    gradientTo(plan);
    host.run('crossEntropy');
    const labels = tensor64(target, inner === 1 ? [outer] : [outer, inner]);
    const right = reference('crossEntropy', { input: plan.input, target: labels });
    expect(host.get('count')).toBe(right.count);
    expectClose([host.get('sum') / host.get('weightSum')], right.loss.data);
    expectClose(host.float32(plan.grad, plan.logits.length), right.grad.data);
  });

  test('crossEntropy with weights, smoothing, zLoss and one loss per sample', () => {
    const plan = classPlan(6, 4, 1, 2, true);
    const target = indices(6, 4);
    const weight = [1, 2, 0.5, 3];
    const loss = host.reserve(24);
    host.set({ indices: host.integers(target), a: host.floats(weight), loss, p0: 0.1, p1: 0.01 });
    flag(FLAGS.INDICES | FLAGS.WEIGHS);
    host.call('scanSamples', host.plan);
    host.set({ upstream: 1, sideUpstream: 1 });
    gradientTo(plan);
    host.run('crossEntropy');
    const options: ReferenceOptions = { weight: tensor64(weight, [4]), labelSmoothing: 0.1, zLoss: 0.01 };
    const right = reference(
      'crossEntropy',
      { input: plan.input, target: tensor64(target, [6]) },
      { ...options, reduction: 'none' },
    );
    expect(host.get('weightSum')).toBeCloseTo(right.weightSum, 6);
    expectClose(host.float32(loss, 6), right.loss.data);
    expectClose(host.float32(plan.grad, plan.logits.length), right.grad.data);
    expectClose([host.get('sum') + host.get('sideSum')], [right.loss.data.reduce((sum, x) => sum + x, 0)]);
  });

  test('crossEntropy of probabilities', () => {
    const plan = classPlan(3, 4, 1, 3, true);
    const target = [0.5, 0.25, 0.25, 0, 0, 1, 0, 0, 0.125, 0.125, 0.25, 0.5];
    host.set({ target: host.floats(target), count: 3, weightSum: 3, upstream: 1 / 3 });
    gradientTo(plan);
    host.run('crossEntropy');
    const right = reference('crossEntropy', { input: plan.input, target: tensor64(target, [3, 4]) });
    expectClose([host.get('sum') / 3], right.loss.data);
    expectClose(host.float32(plan.grad, plan.logits.length), right.grad.data);
  });

  test('crossEntropy of classes that lie apart, in the input, the target and the gradient each as it says', () => {
    const [outer, classes, part] = [37, 5, 4];
    const plan = classPlan(outer, classes, 1, 5);
    const target = values(outer * classes, 6).map((v) => Math.abs(v));
    // what lies between is read by nobody
    const apart = (data: ArrayLike<number>, step: number, row: number): Float64Array => {
      const spread = new Float64Array(outer * row).fill(Number.NaN);
      for (let i = 0; i < outer * classes; i++) spread[Math.floor(i / classes) * row + (i % classes) * step] = data[i]!;
      return spread;
    };
    const grad = host.floats(new Float64Array(outer * 11).fill(7));
    host.set({ input: host.floats(apart(plan.logits, 3, 17)), inputOuter: 17, inputStep: 3 });
    host.set({ target: host.floats(apart(target, part, 19)), targetOuter: 19, targetStep: part });
    host.set({ upstream: 1, grad, gradOuter: 11, gradStep: 2 });
    host.run('crossEntropy');
    const right = reference(
      'crossEntropy',
      { input: plan.input, target: tensor64(target, [outer, classes]) },
      { reduction: 'sum' },
    );
    expectClose([host.get('sum')], right.loss.data);
    const written = host.float32(grad, outer * 11);
    expectClose(
      Array.from(right.grad.data, (_, i) => written[Math.floor(i / classes) * 11 + (i % classes) * 2]!),
      right.grad.data,
    );
    const between = written.filter((_, i) => i % 11 >= 2 * classes || (i % 11) % 2 === 1);
    expect(between.every((v) => v === 7)).toBe(true);
  });

  test('a class axis in blocks', () => {
    const [outer, classes, part] = [3, 5000, 2048];
    const plan = classPlan(outer, classes, 1, 11);
    const target = indices(outer, classes);
    host.set({ indices: host.integers(target) });
    flag(FLAGS.INDICES | FLAGS.CUT);
    host.call('scanSamples', host.plan);
    host.set({ upstream: 1 / host.get('weightSum') });
    const input = host.get('input');
    gradientTo(plan);
    host.set({ middle: part });
    host.reserveFor('crossEntropy');
    for (const phase of ['MEASURE', 'ACCUMULATE', 'SECOND', 'FINISH', 'GRADIENT'] as const) {
      host.set({ phase: FLAGS[phase] });
      for (let first = 0; first < classes; first += part) {
        host.set({
          first,
          middle: Math.min(part, classes - first),
          input: input + 4 * first,
          grad: plan.grad + 4 * first,
        });
        expect(host.call('crossEntropy', host.plan)).toBe(0);
        if (phase === 'FINISH') break;
      }
    }
    const right = reference('crossEntropy', { input: plan.input, target: tensor64(target, [outer]) });
    expectClose([host.get('sum') / outer], right.loss.data);
    expectClose(host.float32(plan.grad, plan.logits.length), right.grad.data);
  });

  test('scanSamples names the first target that is no class', () => {
    classPlan(4, 3, 1, 4);
    host.set({ indices: host.integers([0, -100, 3, -1]) });
    flag(FLAGS.INDICES);
    host.call('scanSamples', host.plan);
    expect(host.get('bad')).toBe(2);
  });

  test('componentCrossEntropy', () => {
    const plan = classPlan(5, 4, 1, 5);
    const target = indices(5, 4);
    const components = [
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ];
    const weights = [2, 0.5];
    const partSums = host.reserve(16);
    const groups = host.integers(components.flat());
    host.set({ indices: host.integers(target), c: groups, members: 2, d: host.floats(weights), partSums });
    flag(FLAGS.INDICES);
    host.call('scanSamples', host.plan);
    host.set({ upstream: 1 / host.get('count') });
    gradientTo(plan);
    host.run('componentCrossEntropy');
    const operands = { input: plan.input, target: tensor64(target, [5]) };
    const right = reference('componentCrossEntropy', operands, { components, weights });
    expectClose([host.get('sum') / 5], right.loss.data);
    expectClose(host.float32(plan.grad, plan.logits.length), right.grad.data);
    const parts = host.float64(partSums, 2).map((sum) => sum / 5);
    expectClose(parts, right.componentLosses!.data);
  });

  test('partialLabel, an empty set among the samples', () => {
    const plan = classPlan(3, 4, 1, 12);
    const sets = [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    host.set({ target: host.floats(sets), indices: host.integers([0, -100, 0]) });
    flag(FLAGS.INDICES);
    host.call('scanSamples', host.plan);
    expect(host.get('count')).toBe(2);
    host.set({ upstream: 0.5 });
    gradientTo(plan);
    host.run('partialLabel');
    const right = reference('partialLabel', { input: plan.input, target: tensor64(sets, [3, 4]) });
    expectClose([host.get('sum') / 2], right.loss.data);
    expectClose(host.float32(plan.grad, plan.logits.length), right.grad.data);
  });

  test('dice, one ratio for each sample and class', () => {
    const plan = classPlan(2, 3, 7, 13);
    const target = indices(14, 3);
    host.set({ indices: host.integers(target), members: 7, p1: 1, p2: 2, p3: 1, p4: 1 });
    flag(FLAGS.INDICES);
    const loss = host.reserve(24);
    host.set({ loss, upstream: 1 });
    gradientTo(plan);
    host.run('overlap');
    const operands = { input: plan.input, target: tensor64(target, [2, 7]) };
    const right = reference('dice', operands, { reduction: 'none' });
    expectClose(host.float32(loss, 6), right.loss.data);
    expectClose(host.float32(plan.grad, plan.logits.length), right.grad.data);
  });

  test('factorizedMultiLabel, with the gradient of z', () => {
    const plan = classPlan(3, 5, 1, 14);
    const target = indices(15, 2);
    const z = [1.5, 2, 0.25];
    const sideGrad = host.reserve(12);
    host.set({ target: host.floats(target), d: host.floats(z), p3: 0.5, sideGrad, upstream: 1 / 3 });
    gradientTo(plan);
    host.run('factorizedMultiLabel');
    const operands = { input: plan.input, target: tensor64(target, [3, 5]), others: { z: tensor64(z) } };
    const right = reference('factorizedMultiLabel', operands, { mu: 0.5 });
    expectClose([host.get('sum') / 3], right.loss.data);
    expectClose(host.float32(plan.grad, plan.logits.length), right.grad.data);
    expectClose(host.float32(sideGrad, 3), right.grads!.z!.data);
  });

  test('softmax, forward and backward, and logSoftmax', () => {
    const plan = classPlan(2, 137, 1, 6, true);
    const { input, grad, logits } = plan;
    gradientTo(plan);
    host.run('softmax');
    expectClose(host.float32(grad, logits.length), reference('softmax', { input }).loss.data);
    flag(FLAGS.LOG);
    host.run('softmax');
    expectClose(host.float32(grad, logits.length), reference('logSoftmax', { input }).loss.data);
    const incoming = values(logits.length, 7);
    host.set({ flags: 0, target: host.floats(incoming) });
    host.run('softmax');
    const right = reference('softmax', { input }, { gradOutput: tensor64(incoming, input.shape) });
    expectClose(host.float32(grad, logits.length), right.grad.data);
  });

  /** A Plan for an elementwise operation on 13 values: three vectors and a rest. */
  function elementPlan(seed: number) {
    const { grad, logits } = classPlan(1, 1, 13, seed);
    host.set({ flags: 0, total: 13, phase: 0, ignoreIndex: 0 });
    return { grad, input: tensor64(logits, [13]) };
  }

  test('bceWithLogits with posWeight and a missing label', () => {
    const { grad, input } = elementPlan(8);
    const target = Array.from({ length: 13 }, (_, i) => (i === 4 ? -1 : (i % 3) / 2));
    host.set({ target: host.floats(target), marker: -1, high: 1, b: host.floats([3]) });
    flag(FLAGS.IGNORE | FLAGS.BOUNDED);
    host.reserveFor('bceWithLogits');
    host.call('scanElements', host.plan);
    expect(host.get('bad')).toBe(-1);
    expect(host.get('count')).toBe(12);
    host.set({ upstream: 1 / 12, grad });
    host.run('bceWithLogits');
    const operands = { input, target: tensor64(target, [13]) };
    const right = reference('bceWithLogits', operands, { posWeight: 3, ignoreValue: -1 });
    expectClose([host.get('sum') / 12], right.loss.data);
    expectClose(host.float32(grad, 13), right.grad.data);
    expect(host.get('bad')).toBe(-1);
    host.set({ flags: FLAGS.BOUNDED });
    host.run('bceWithLogits');
    expect(host.get('bad')).toBe(0);
    host.call('scanElements', host.plan);
    expect(host.get('bad')).toBe(4);
  });

  test('hinge: whole targets, a weight that repeats along rows', () => {
    const { grad } = elementPlan(16);
    const target = [1, 0, -1, 1, 1, 0, 0, 1, -1, 1, 0, 1];
    const weight = [2, 0.5, 1];
    host.set({ middle: 4, inner: 3, total: 12, target: host.floats(target), low: -1, high: 1, p0: 1, p1: 1 });
    host.set({ a: host.floats(weight), a2: 1, upstream: 1 / 12, grad });
    flag(FLAGS.BOUNDED | FLAGS.WHOLE);
    host.run('hinge');
    const input = tensor64(values(12, 16), [4, 3]);
    const operands = { input, target: tensor64(target, [4, 3]) };
    const right = reference('hinge', operands, { squared: true, weight: tensor64(weight) });
    expectClose([host.get('sum') / 12], right.loss.data);
    expectClose(host.float32(grad, 12), right.grad.data);
    expect(host.get('bad')).toBe(-1);
  });

  test('mse with element weights and an incoming gradient for each element', () => {
    const { grad, input } = elementPlan(9);
    const [target, weight, incoming] = [values(13, 20), values(13, 30).map(Math.abs), values(13, 40)];
    const loss = host.reserve(52);
    host.set({ target: host.floats(target), a: host.floats(weight), a2: 1, loss });
    flag(FLAGS.WEIGHS);
    host.reserveFor('mse');
    host.call('scanElements', host.plan);
    host.set({ upstream: 1, incoming: host.floats(incoming), grad });
    host.run('mse');
    const options = {
      weight: tensor64(weight, [13]),
      gradOutput: tensor64(incoming, [13]),
      reduction: 'none',
    } as const;
    const right = reference('mse', { input, target: tensor64(target, [13]) }, options);
    expectClose([host.get('weightSum')], [right.weightSum]);
    expectClose(host.float32(loss, 13), right.loss.data);
    expectClose(host.float32(grad, 13), right.grad.data);
  });

  test('gaussianNll with a variance for each row, and its gradient', () => {
    const { grad } = elementPlan(15);
    const [target, variance] = [values(12, 21), [0.5, 1, 2, 4]];
    const sideGrad = host.reserve(16);
    host.set({ middle: 4, inner: 3, total: 12, target: host.floats(target), p1: 1e-6 });
    host.set({ c: host.floats(variance), c1: 1, sideGrad, upstream: 1 / 12, grad });
    host.run('gaussianNll');
    const input = tensor64(values(12, 15), [4, 3]);
    const operands = { input, target: tensor64(target, [4, 3]) };
    const right = reference('gaussianNll', operands, { variance: tensor64(variance, [4]) });
    expectClose([host.get('sum') / 12], right.loss.data);
    expectClose(host.float32(grad, 12), right.grad.data);
    expectClose(host.float32(sideGrad, 4), right.grads!.variance!.data);
  });

  test('sigmoid and logSigmoid', () => {
    const { grad, input } = elementPlan(10);
    host.set({ grad });
    host.run('sigmoid');
    expectClose(host.float32(grad, 13), reference('sigmoid', { input }).loss.data);
    host.set({ flags: FLAGS.LOG });
    host.run('sigmoid');
    expectClose(host.float32(grad, 13), reference('logSigmoid', { input }).loss.data);
  });

  test('canonicalize and amplify', () => {
    const at = host.floats([1, Number.NaN, 2, 3, 4]);
    new DataView(host.memory.buffer).setUint32(at + 16, 0xffc12345, true);
    host.call('canonicalize', at, 5);
    const bits = [0, 1, 4].map((i) => new DataView(host.memory.buffer).getUint32(at + 4 * i, true));
    expect(bits).toEqual([0x3f800000, 0x7fc00000, 0x7fc00000]);
    host.call('amplify', at, 1, 1);
    expect(host.float32(at, 1)).toEqual([2 ** 100]);
  });
});
