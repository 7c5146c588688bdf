/** What a campaign is: draws, what is done with one, and what a draw has beyond the simplest. */
import type { Arbitrary } from 'fast-check';
import type { Context } from '../context.ts';
import type { Choice } from '../draws.ts';
import type { CallDraw } from '../types.ts';

export interface Campaign<D = unknown> {
  readonly name: string;
  /** Its share of the time. */
  readonly share: number;
  /** A case that takes longer than this many seconds hangs. */
  readonly limit: number;
  draws(choice: Choice): Arbitrary<D>;
  /** Tries a draw; throws a Finding where a promise is broken, Rejected where the draw means nothing. */
  attempt(draw: D, context: Context): void;
  features(draw: D): ReadonlySet<string>;
  /** The few of them by which a case that ended the process is known again. */
  gist(draw: D): ReadonlySet<string>;
  /** A draw as code, without trying it. */
  show(draw: D, context: Context): string;
  /** The call in a draw, whose values may be made simpler. */
  readonly call?: {
    get(draw: D): CallDraw;
    set(draw: D, call: CallDraw): D;
  };
  /** The draw with one part less, in every way there is. */
  smaller?(draw: D): readonly D[];
}
