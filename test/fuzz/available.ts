/** What a build has: losses and options that the table names and the build does not know are left out. */
import type { Library } from './api.ts';
import { entries, names } from './losses.ts';
import type { TargetKind } from './types.ts';

/** Operands of which one pair or another suits every loss. */
const operands: readonly (readonly unknown[])[] = [
  [
    [0.5, 0.5],
    [0.5, 0.5],
  ],
  [
    [0.5, 0.5],
    [1, 0],
  ],
  [[0.5, 0.5], [0]],
  [[[0.5, 0.5]], [0]],
  [[[0.5, 0.5]], [[1, 0]]],
];

/** Whether an error says that the function does not know an option of this name. */
function refuses(library: Library, op: string, option: string): boolean {
  return operands.some((args) => {
    try {
      (library[op] as (...args: readonly unknown[]) => unknown)(...args, { [option]: null });
      return false;
    } catch (error) {
      return error instanceof Error && error.message.includes(`unknown option "${option}"`);
    }
  });
}

/** Whether a target may be sparse. */
function takesSparse(library: Library, op: string): boolean {
  try {
    (library[op] as (...args: readonly unknown[]) => unknown)([[0.5, 0.5]], { indices: [0], offsets: [0, 1] });
    return true;
  } catch {
    return false;
  }
}

export function available(library: Library): {
  readonly ops: readonly string[];
  readonly knows: (op: string, option: string) => boolean;
  readonly takes: (op: string, what: TargetKind) => boolean;
} {
  const ops = names.filter((op) => typeof library[op] === 'function');
  const unknown = new Set(
    ops.flatMap((op) => {
      const options = Object.keys(entries[op]!.record.options);
      return options.filter((option) => refuses(library, op, option)).map((option) => `${op}.${option}`);
    }),
  );
  const dense = new Set(ops.filter((op) => !takesSparse(library, op)));
  return {
    ops,
    knows: (op, option) => !unknown.has(`${op}.${option}`),
    takes: (op, what) => what !== 'sparse' || !dense.has(op),
  };
}
