/** What a problem is made of before reduction and scale, whoever draws it. */
import type { OptionKind } from '../../src/losses/record.ts';
import { type SparseTarget, tensor64 } from '../reference/index.ts';
import { literal, type PlaceName } from './places.ts';
import type { Entry, Operand } from './types.ts';

export interface Parts {
  readonly input: Operand;
  readonly second: Operand | undefined;
  readonly target: Operand | undefined;
  readonly operands: Operand[];
  readonly plain: Record<string, unknown>;
  /** Options in float64, as the reference takes them. */
  readonly truth: Record<string, unknown>;
}

/** How tensors of a kind of option are understood; all others are no tensors. */
const roles: Partial<Readonly<Record<OptionKind, Operand['role']>>> = {
  perClass: 'floats',
  perSample: 'floats',
  perElement: 'floats',
  broadcast: 'spread',
  variance: 'shaped',
  labels: 'integers',
  components: 'maps',
  perComponent: 'list',
};

export function roleOf({ name, record }: Entry, option: string): Operand['role'] {
  const kind = record.options[option]?.kind;
  const role = kind && roles[kind];
  if (role === undefined) throw new Error(`option ${option} of ${name} is no tensor`);
  return role;
}

/** A sparse target as one operand: its indices, then its offsets. */
export function sparseOperand(sparse: SparseTarget, place: PlaceName): Operand {
  const tensor = tensor64([...sparse.indices, ...sparse.offsets]);
  return { name: 'target', role: 'sparse', tensor, place, sparse, recipe: `[${literal(tensor.data)}]` };
}
