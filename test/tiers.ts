/**
 * The tiers, seeded calls of every loss and activation of the table, and a hash of their results. Needs nothing of its host, so
 * that the probe of test/runtimes runs it everywhere.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { createEngine } from '../src/index.ts';
import {
  type Activation,
  activationNames,
  type Call,
  callOn,
  type FormName,
  formNames,
  gradientsOf,
  type Library,
  type Loss,
  libraryOf,
  type Tensor32,
} from './calls.ts';
import { type ActivationName, isRefused, type Problem, randomProblem, references } from './reference/index.ts';
import { sizeOf } from './reference/layout.ts';
import { normal, pick, type Random, randomFrom } from './reference/random.ts';

export { activationNames, formNames as lossNames } from './calls.ts';

export const tiers = ['scalar', 'simd', 'relaxed'] as const;

export type Engine = ReturnType<typeof createEngine>;

/** An engine, or the exports of an entry. */
type Functions = Pick<Engine, FormName | ActivationName>;

export const lossOf = (from: Functions, op: FormName): Loss => libraryOf(from)[op];
export const activationOf = (from: Functions, op: ActivationName): Activation => libraryOf(from)[op];

/** A call of a loss, on no engine yet. */
export interface LossCase extends Omit<Call, 'loss'> {
  readonly name: string;
  readonly op: FormName;
}

export interface ActivationCase {
  readonly name: string;
  readonly op: ActivationName;
  readonly input: Tensor32;
  readonly gradOutput: Tensor32;
  readonly options: { readonly axis?: number };
}

/** FNV-1a: each case has its own seed, so that a new case leaves the others as they are. */
function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

type Placed = readonly [shape: readonly number[], axis: number];

/** Shapes with their class axis: rows, one long row, columns, a middle axis, many short lines of samples, the axis last. */
const shapes: readonly Placed[] = [
  [[7, 3], 1],
  [[33, 10], 1],
  [[3, 170], 1],
  [[11], 0],
  [[3, 5, 7], 1],
  [[2, 8, 67], 1],
  [[40, 3, 2], 1],
  [[23, 5, 3], 1],
  [[6, 9, 4], -1],
  [[2, 1000], 1],
  [[4, 3, 6, 5], 1],
];
/** With those a loss is tried with ordinary values; with one of these for each way to make a value extreme. */
const ordinary = 9;

/** The axis, where a loss has one to choose. */
export const axisFor = (op: FormName, axis: number): number | undefined =>
  references[op].family === 'class' || references[op].family === 'overlap' ? axis : undefined;

const caseOf = (name: string, op: FormName, problem: Problem): LossCase => {
  // the names stand in for the functions, which each engine has of its own
  const { loss: _, ...call } = callOn({} as Library, op, problem);
  return { name, op, ...call };
};

function* casesOf(op: FormName): Generator<LossCase> {
  const loss = references[op];
  const { targets, spice } = loss;
  for (const [s, [shape, axis]] of shapes.slice(0, ordinary).entries()) {
    const name = `${op} [${shape}]`;
    const random = randomFrom(seedOf(name));
    yield caseOf(name, op, randomProblem(random, loss, shape, axisFor(op, axis), targets[s % targets.length]));
  }
  for (const [s, [name, change]] of Object.entries(spice).entries()) {
    const [shape, axis] = shapes[s % shapes.length]!;
    const full = `${op} [${shape}] ${name}`;
    const random = randomFrom(seedOf(full));
    const kind = targets[s % targets.length];
    const problem = change(random, randomProblem(random, loss, shape, axisFor(op, axis), kind));
    if (!isRefused(loss, problem)) yield caseOf(full, op, problem);
  }
}

/** Values as they come, and in a matrix masks, ties, infinities and gaps beyond float32's exponentials. */
function values(random: Random, shape: readonly number[]): Tensor32 {
  const odd = [Number.NEGATIVE_INFINITY, 80, -80, 1e30, 0, Number.NEGATIVE_INFINITY, 110, Number.POSITIVE_INFINITY];
  const extreme = shape.length === 2;
  const next = (): number =>
    extreme && random() < 0.2 ? odd[Math.floor(random() ** 2 * odd.length)]! : normal(random, 3);
  return { data: Float32Array.from({ length: sizeOf(shape) }, next), shape };
}

const everyActivation = (): ActivationCase[] =>
  activationNames.flatMap((op) =>
    shapes.map(([shape, axis]) => {
      const name = `${op} [${shape}]`;
      const random = randomFrom(seedOf(name));
      return {
        name,
        op,
        input: values(random, shape),
        gradOutput: { data: Float32Array.from({ length: sizeOf(shape) }, () => normal(random)), shape },
        options: op === 'softmax' || op === 'logSoftmax' ? { axis } : {},
      };
    }),
  );

export const lossCases: readonly LossCase[] = formNames.flatMap((op) => [...casesOf(op)]);
export const activationCases: readonly ActivationCase[] = everyActivation();

/** A case of a random shape, up to 70 long along some axes; the class axis, where there is one, is any. */
export function randomLossCase(seed: number): LossCase {
  const random = randomFrom(seed);
  const size = (largest: number): number => 1 + Math.floor(random() ** 2 * largest);
  const shape = [
    [size(70)],
    [size(70), size(70)],
    [size(6), size(40), size(40)],
    [size(4), size(9), size(9), size(20)],
  ][Math.floor(random() * 4)]!;
  const op = pick(random, formNames);
  const axis = Math.floor(random() * shape.length) - (random() < 0.5 ? 0 : shape.length);
  const kind = pick(random, references[op].targets);
  const problem = randomProblem(random, references[op], shape, axisFor(op, axis), kind);
  return caseOf(`${op} [${shape}] of ${seed}`, op, problem);
}

/** The results of every form of a loss: numbers and arrays. */
export function lossResults(engine: Functions, each: LossCase): (number | Tensor32)[] {
  const { op, input, target, options, gradOutput } = each;
  const loss = lossOf(engine, op);
  const fused = loss(input, target, options);
  const forward = loss.forward(input, target, options);
  const backward = loss.backward(gradOutput, input, target, options);
  const numbers = [fused.sum, fused.count, fused.weightSum, fused.zSum ?? 0];
  const parts = fused.componentLosses ? [fused.componentLosses] : [];
  const gradients = [fused, backward].flatMap((result) => {
    const { grad, grads } = gradientsOf(result);
    return [grad, ...Object.values(grads)];
  });
  return [fused.loss, ...numbers, ...parts, forward.loss, ...gradients];
}

/** How many NaN of float32 have other bits than the one that JavaScript and WebAssembly call canonical. */
export const oddNaNs = (data: Float32Array): number => {
  const bits = new Uint32Array(data.slice().buffer);
  return data.filter((v, i) => Number.isNaN(v) && bits[i] !== 0x7fc00000).length;
};

/** The first 128 bits of SHA-256 over values. Every NaN counts as the same one. */
export function hashOf(of: readonly (number | Tensor32)[]): string {
  const hash = sha256.create();
  for (const value of of) {
    if (typeof value === 'number') hash.update(Uint8Array.from(`${value};`, (character) => character.charCodeAt(0)));
    else {
      const bits = new Uint32Array(Float32Array.from(value.data).buffer);
      value.data.forEach((v, i) => {
        if (Number.isNaN(v)) bits[i] = 0x7fc00000;
      });
      hash.update(new Uint8Array(bits.buffer));
    }
  }
  return bytesToHex(hash.digest().subarray(0, 16));
}

/** A hash of every case's results on an engine. */
export function hashes(engine: Functions): Record<string, string> {
  const activations = activationCases.map(({ name, op, input, options, gradOutput }) => {
    const activation = activationOf(engine, op);
    return [name, hashOf([activation(input, options), activation.backward(gradOutput, input, options)])] as const;
  });
  const losses = lossCases.map((each) => [each.name, hashOf(lossResults(engine, each))] as const);
  return Object.fromEntries([...losses, ...activations]);
}
