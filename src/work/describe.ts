// What a plan says in every block, but for addresses.

import type { Call, Use } from '../arguments/call.ts';
import type { Domain } from '../arguments/domains.ts';
import type { OperandField } from '../losses/record.ts';
import { type Field, FLAGS, PLAN, type Plan } from '../machine/runtime.ts';
import { OPERANDS, type Strides } from './input.ts';
import type { Rows } from './rows.ts';

/** What is known of a call when its plan is described. */
export interface Facts {
  readonly rows: Rows | undefined;
  readonly indices: boolean;
  readonly ignoreIndex: number;
  /** The mean divides by the weights in operand a. */
  readonly weighs: boolean;
  readonly domain: Domain | undefined;
  /** The class axis is cut. */
  readonly cut: boolean;
  readonly members: number;
}

/** Describes a call to a plan that was cleared. */
export function describePlan(plan: Plan, call: Call, facts: Facts): void {
  const { record, numbers, marker, byClass } = call;
  const { rows, domain } = facts;
  plan.set(PLAN.total, byClass ? call.middle : call.input.length);
  plan.set(PLAN.middle, byClass ? call.middle : (rows?.middle ?? 1));
  plan.set(PLAN.inner, byClass ? call.inner : (rows?.inner ?? 1));
  plan.set(PLAN.phase, FLAGS.EVERY_PHASE);
  plan.set(PLAN.members, call.group || facts.members);
  plan.set(PLAN.ignoreIndex, facts.ignoreIndex);
  // which operands there will be
  for (const { field } of call.uses) plan.set(OPERANDS[field].at, 1);
  plan.set(PLAN.target, call.target && call.target.kind !== 'indices' ? 1 : 0);
  for (const field of ['p0', 'p1', 'p2', 'p3', 'p4', 'p5'] as const) plan.setDouble(PLAN[field], numbers[field] ?? 0);
  plan.setDouble(PLAN.marker, marker ?? 0);
  plan.setDouble(PLAN.low, domain?.low ?? 0);
  plan.setDouble(PLAN.high, domain?.high ?? 0);
  const tiles = byClass && (call.inner > 1 || !record.rows);
  let flags = tiles ? FLAGS.COLUMNS : 0;
  if (facts.indices) flags |= FLAGS.INDICES;
  if (facts.weighs) flags |= FLAGS.WEIGHS;
  if (facts.cut) flags |= FLAGS.CUT;
  if (marker !== undefined) flags |= FLAGS.IGNORE;
  if (record.log) flags |= FLAGS.LOG;
  if (domain) flags |= FLAGS.BOUNDED;
  if (domain?.whole) flags |= FLAGS.WHOLE;
  if (domain?.nonzero) flags |= FLAGS.NONZERO;
  if (domain && record.both) flags |= FLAGS.BOTH;
  plan.set(PLAN.flags, flags);
  if (rows) stride(plan, call.uses, rows);
}

/** The strides of elementwise operands. */
function stride(plan: Plan, uses: readonly Use[], { middle, inner, operands }: Rows): void {
  const set = (field: OperandField, strides: Strides): void => {
    for (let axis = 0; axis < 3; axis++) plan.set(OPERANDS[field].strides[axis] as Field, strides[axis] as number);
  };
  for (const { use, strides } of operands) set(use.field, strides);
  for (const { field, role } of uses) if (role === 'values') set(field, [middle * inner, inner, 1]);
}
