// The engine behind the functions of the default entry, made at the first call.

import { VERSION } from '../generated/version.ts';
import { Runtime } from '../machine/runtime.ts';

interface Shared {
  readonly runtime: Runtime;
  engine?: unknown;
}

// The ESM and the CommonJS build of one version meet here, so that a program that loads both has one engine.
const KEY = Symbol.for(`lossmith ${VERSION}`);
const registry = globalThis as { [KEY]?: Shared };

/** What all copies of this version share. */
export const shared = (): Shared => {
  registry[KEY] ??= { runtime: new Runtime() };
  return registry[KEY];
};

/** The runtime of the default engine. */
export const runtime = (): Runtime => {
  const { runtime: own } = shared();
  own.check();
  return own;
};
