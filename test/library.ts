/** The library as the table-driven tests call it: the functions of the default entry. */
import * as lossmith from '../src/index.ts';
import { type Activation, type Call, callOn, type FormName, type Loss, libraryOf } from './calls.ts';
import type { ActivationName, Problem } from './reference/index.ts';

export * from './calls.ts';

export const losses: Readonly<Record<FormName, Loss>> = libraryOf(lossmith);
export const activations: Readonly<Record<ActivationName, Activation>> = libraryOf(lossmith);

/** Every name that the library exports. */
export const exported: ReadonlySet<string> = new Set(Object.keys(lossmith));

/** A problem as a call of the library. */
export const callOf = (op: FormName, problem: Problem, from = losses): Call => callOn(from, op, problem);
