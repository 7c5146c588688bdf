// From the arguments of a call to a checked one: every operand read, every shape compared, the geometry worked out. Nothing
// here touches linear memory, so a call that throws here has changed nothing.

import type { OperationRecord } from '../losses/record.ts';
import { describe, sizeOf } from '../values/array.ts';
import { INTEGER, readNumber } from '../values/number.ts';
import { splitAtAxis } from '../values/shape.ts';
import { Call } from './call.ts';
import { checkOverlap, type Given, readCommon } from './common.ts';
import { fitExactly } from './fit.ts';
import { KINDS } from './kinds.ts';
import { checkAccumulate, checkHeadOverlap, checkReduction, logitsOf, readHead } from './linear.ts';
import { readOperand } from './operand.ts';
import { readTarget } from './targets.ts';

/** Checks a call of a loss. `gradOutput` is that of the backward form. */
export function checkLoss(
  name: string,
  record: OperationRecord,
  input: unknown,
  target: unknown,
  given: Given,
  gradOutput?: readonly [unknown],
): Call {
  const [first, second] = inputsOf(name, record, input);
  const call = new Call(name, record, readOperand(first, `${name}: ${record.names[0]}`, true));
  locate(call, given);
  if (second) readSecond(call, second[0]);
  readCommon(call, given);
  readRest(call, target, given, gradOutput);
  return call;
}

/** Checks a call of the linear form of a loss; `keeps`: it has gradients of its own to add to. */
export function checkLinear(
  name: string,
  record: OperationRecord,
  [features, parameters, target]: readonly unknown[],
  given: Given,
  { gradOutput, keeps }: { gradOutput: readonly [unknown] | undefined; keeps: boolean },
): Call {
  const head = readHead(name, features, parameters, given);
  const call = new Call(name, record, logitsOf(name, record, head), head);
  locate(call, given);
  readCommon(call, { ...given, out: undefined });
  checkReduction(call);
  if (!keeps) checkAccumulate(name, head);
  readRest(call, target, given, gradOutput);
  return call;
}

/** What comes after the input and the common options. */
function readRest(call: Call, target: unknown, given: Given, gradOutput?: readonly [unknown]): void {
  // the target first: a class axis forgotten would make every other message misleading
  call.target = readTarget(call, target, given);
  readOptions(call, given);
  if (call.record.walk === 'group') group(call);
  if (gradOutput) readIncoming(call, gradOutput[0]);
  settle(call);
  checkOuts(call);
}

/** Reads what lies in plain arrays: an element may be a getter, which may do anything, so it is read before the machine is touched. */
function settle({ input, head, target, incoming, uses }: Call): void {
  const values = target?.kind === 'sparse' ? [target.sparse.indices, target.sparse.offsets] : [target?.operand];
  const all = [
    ...(head ? [head.features, head.weight, head.bias] : [input]),
    ...values,
    ...(typeof incoming === 'number' ? [] : [incoming]),
    ...uses.map((use) => use.operand),
  ];
  for (const operand of all) operand?.settle();
}

/** The input, and the second one where the input is an object of two. */
function inputsOf(name: string, record: OperationRecord, input: unknown): [unknown, [unknown]?] {
  const { names, second, options } = record;
  if (second === undefined || second in options) return [input];
  if (typeof input !== 'object' || input === null || !(names[0] in input) || !(second in input)) {
    throw new TypeError(`${name}: input is ${describe(input)}, expected an object { ${names[0]}, ${second} }`);
  }
  const { [names[0]]: first, [second]: other } = input as Record<string, unknown>;
  return [first, [other]];
}

/** An input beside the logits: one number per sample. */
function readSecond(call: Call, value: unknown): void {
  const operand = readOperand(value, `${call.name}: ${call.record.second}`, true);
  fitExactly(operand, call.sampleShape, () => 'one per row');
  call.uses.push({ field: 'd', role: 'samples', operand, pulls: true });
}

/** What losses over groups of samples need to know. */
function group(call: Call): void {
  const { name, sampleShape, middle, numbers, reduction } = call;
  const each = numbers.p5 !== 1;
  const groups = each ? call.batch : 1;
  if (!each && reduction === 'batchmean') {
    throw new RangeError(`${name}: reduction is 'batchmean' with per: 'batch', expected 'mean', 'sum' or 'none'`);
  }
  const samples = sizeOf(sampleShape);
  call.group = groups === 0 ? 0 : samples / groups;
  call.lossShape = each ? [...sampleShape.slice(0, 1), middle] : [middle];
}

/** Checks a call of an activation; `gradOutput` is that of the backward form. */
export function checkActivation(
  name: string,
  record: OperationRecord,
  input: unknown,
  given: Given,
  gradOutput?: readonly [unknown],
): Call {
  const call = new Call(name, record, readOperand(input, `${name}: ${record.names[0]}`, true));
  readCommon(call, given);
  locate(call, given);
  if (gradOutput) {
    const operand = readOperand(gradOutput[0], `${name}: gradOutput`);
    fitExactly(operand, call.shape, () => `the shape of ${record.names[0]}`);
    call.target = { kind: 'values', operand };
  }
  settle(call);
  checkOuts(call);
  return call;
}

/** Works out where the classes are. */
function locate(call: Call, { axis }: Given): void {
  const { name, record, shape } = call;
  if (!call.byClass) {
    call.inner = call.input.length;
    return;
  }
  const asked =
    record.walk === 'row' ? -1 : axis === undefined ? undefined : readNumber(axis, `${name}: axis`, INTEGER);
  // of a number all is one class for an activation; a loss has no class to choose
  const of = shape.length === 0 && record.target === 'none' ? [1] : shape;
  if (of.length === 0) {
    throw new RangeError(`${name}: ${record.names[0]} [] need a class axis, e.g. [3]`);
  }
  const { outer, classes, inner, lossShape } = splitAtAxis(of, asked, name);
  call.outer = outer;
  call.middle = classes;
  call.inner = inner;
  call.sampleShape = call.lossShape = lossShape;
}

/** Reads the options of a record, in its order. */
function readOptions(call: Call, given: Given): void {
  const { options, fixed } = call.record;
  Object.assign(call.numbers, fixed);
  for (const [key, option] of Object.entries(options)) {
    const kind = KINDS[option.kind];
    const value = given[key] === undefined ? option.default : given[key];
    if (value !== undefined) {
      const held = kind.read(value, `${call.name}: ${key}`, call, option);
      if (held) call.held.set(key, held);
    } else if (option.required) throw new TypeError(`${call.name}: ${key} is missing, expected ${kind.takes}`);
  }
}

/** gradOutput: a number under a reduction, one per loss for 'none'. */
function readIncoming(call: Call, gradOutput: unknown): void {
  const { name, reduction } = call;
  const operand = readOperand(gradOutput, `${name}: gradOutput`);
  const none = reduction === 'none';
  fitExactly(operand, none ? call.lossShape : [], () => `the shape of the loss (reduction '${reduction}')`);
  call.incoming = none ? operand : (operand.data[0] as number);
}

/** `out` shares no memory with what is read. */
export function checkOuts(call: Call): void {
  const { name, target, uses, incoming, arrays, out, head } = call;
  if (!out && !head) return;
  const operands = uses.filter(({ pulls }) => !pulls).map(({ operand }) => operand);
  if (target?.kind === 'sparse') operands.push(target.sparse.indices, target.sparse.offsets);
  else if (target) operands.push(target.operand);
  if (typeof incoming !== 'number') operands.push(incoming);
  const others = [...operands.map(({ typed }) => typed), ...arrays];
  if (head) checkHeadOverlap(name, head, others);
  else checkOverlap(call, others);
}
