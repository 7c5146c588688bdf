// How a call is cut into blocks, by the kind of its walk.

import type { Call } from '../arguments/call.ts';
import { type Blocks, ClassBlocks, ElementBlocks, GroupBlocks } from './blocks.ts';
import { samplesOfParts } from './parts.ts';
import type { Rows } from './rows.ts';

/** What decides how large blocks are. */
interface Facts {
  /** Every operand is in linear memory already. */
  readonly whole: boolean;
  /** The loss of each sample is kept. */
  readonly keeps: boolean;
  /** Logits of a block of a head, at most. */
  readonly head: number | undefined;
  /** How many times as large blocks are where several threads share them. */
  readonly times: number;
}

/** The walk over the blocks of a call, and that over its groups where there are any. */
export function walkOf(call: Call, rows: Rows | undefined, facts: Facts): { blocks: Blocks; groups?: GroupBlocks } {
  const { outer, middle, inner, record, maps } = call;
  const { whole, keeps, head, times } = facts;
  if (record.walk === 'group') {
    const groups = new GroupBlocks(outer, middle, inner, call.group, whole);
    return { groups, blocks: groups.blocks };
  }
  if (call.byClass) {
    const most = keeps && maps.length > 0 ? samplesOfParts(maps.length + 1) : undefined;
    const high = head && head / (middle * inner);
    return { blocks: new ClassBlocks(outer, middle, inner, { whole, rows: record.rows, most, high, times }) };
  }
  return { blocks: new ElementBlocks(rows?.middle ?? 1, rows?.inner ?? 0, call.input.length, whole, head, times) };
}
