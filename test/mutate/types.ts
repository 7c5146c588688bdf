/** A fault to be found: a text of a file that stands there once, and what it becomes. */
export interface Mutation {
  /** What is wrong then. */
  readonly fault: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Tests that are likely to see it, to be run before all others. */
  readonly tests: readonly string[];
}
