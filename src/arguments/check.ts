// From the arguments of a call to a checked one: every operand read, every shape compared, the geometry worked out. Nothing
// here touches linear memory, so a call that throws here has changed nothing.

import type { OperationRecord, OptionRecord } from '../losses/record.ts';
import { INTEGER, readNumber } from '../values/number.ts';
import { splitAtAxis } from '../values/shape.ts';
import type { TensorInput } from '../values/types.ts';
import { Call } from './call.ts';
import { checkOverlap, type Given, readCommon, readNames } from './common.ts';
import { fitExactly } from './fit.ts';
import { KINDS } from './kinds.ts';
import { readOperand } from './operand.ts';
import { readTarget } from './targets.ts';

/** Checks a call of a loss. `gradOutput` is that of the backward form. */
export function checkLoss(
  name: string,
  record: OperationRecord,
  input: TensorInput,
  target: TensorInput,
  options: unknown,
  gradOutput?: readonly [TensorInput],
): Call {
  const given = readNames(name, record, options);
  const call = new Call(name, record, readOperand(input, `${name}: ${record.names[0]}`, true));
  readCommon(call, given);
  locate(call, given);
  // the target first: a class axis forgotten would make every other message misleading
  call.target = readTarget(call, target, given);
  readOptions(call, given);
  if (gradOutput) readIncoming(call, gradOutput[0]);
  if (call.out) checkOuts(call);
  return call;
}

/** Checks a call of an activation; `gradOutput` is that of the backward form. */
export function checkActivation(
  name: string,
  record: OperationRecord,
  input: TensorInput,
  options: unknown,
  gradOutput?: readonly [TensorInput],
): Call {
  const given = readNames(name, record, options);
  const call = new Call(name, record, readOperand(input, `${name}: ${record.names[0]}`, true));
  readCommon(call, given);
  locate(call, given);
  if (gradOutput) {
    const operand = readOperand(gradOutput[0], `${name}: gradOutput`);
    fitExactly(operand, call.shape, () => `the shape of ${record.names[0]}`);
    call.target = { kind: 'values', operand };
  }
  if (call.out) checkOuts(call);
  return call;
}

/** Works out where the classes are. */
function locate(call: Call, { axis }: Given): void {
  const { name, record, shape } = call;
  if (record.walk !== 'class') {
    call.inner = call.input.length;
    return;
  }
  const asked = axis === undefined ? undefined : readNumber(axis, `${name}: axis`, INTEGER);
  // of a number all is one class for an activation; a loss has no class to choose
  const of = shape.length === 0 && record.target === 'none' ? [1] : shape;
  if (of.length === 0) {
    throw new RangeError(`${name}: ${record.names[0]} [] need a class axis, e.g. [3]`);
  }
  const { outer, classes, inner, lossShape } = splitAtAxis(of, asked, name);
  call.outer = outer;
  call.middle = classes;
  call.inner = inner;
  call.lossShape = lossShape;
}

/** Reads the options of a record, in its order. */
function readOptions(call: Call, given: Given): void {
  const { options } = call.record;
  for (const key in options) {
    const option = options[key] as OptionRecord;
    const kind = KINDS[option.kind];
    const value = given[key];
    if (value !== undefined) kind.read(value, `${call.name}: ${key}`, call, option);
    else if (option.required) throw new TypeError(`${call.name}: ${key} is missing, expected ${kind.takes}`);
  }
}

/** gradOutput: a number under a reduction, one per loss for 'none'. */
function readIncoming(call: Call, gradOutput: TensorInput): void {
  const { name, reduction } = call;
  const operand = readOperand(gradOutput, `${name}: gradOutput`);
  const none = reduction === 'none';
  fitExactly(operand, none ? call.lossShape : [], () => `the shape of the loss (reduction '${reduction}')`);
  call.incoming = none ? operand : (operand.data[0] as number);
}

function checkOuts(call: Call): void {
  const { target, uses, incoming, arrays } = call;
  const others = [target?.operand, ...uses.map(({ operand }) => operand), typeof incoming === 'number' ? undefined : incoming];
  checkOverlap(call, [...others.map((operand) => operand?.typed), ...arrays]);
}

