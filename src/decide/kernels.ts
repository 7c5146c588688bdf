// The kernels of this entry: one instance for each engine, in that engine's memory.

import type { Kernel } from '../machine/instance.ts';
import type { Runtime } from '../machine/runtime.ts';
import { moduleOf } from './modules/index.ts';

/** Names of the kernels (assembly/decide). */
export type KernelName = 'argmax' | 'logProb' | 'marginal' | 'ordinal' | 'predict' | 'temperature' | 'topK';

const modules = /* @__PURE__ */ new Map<string, WebAssembly.Module>();
const instances = /* @__PURE__ */ new WeakMap<Runtime, Readonly<Record<KernelName, Kernel>>>();

/** The kernels for an engine's memory, made at the first call. */
export function kernelsOf(runtime: Runtime): Readonly<Record<KernelName, Kernel>> {
  const found = instances.get(runtime);
  if (found) return found;
  const { tier, kernels, team } = runtime;
  const key = team ? `${tier}, shared` : tier;
  const module = modules.get(key) ?? moduleOf(tier, team?.share);
  modules.set(key, module);
  const { exports } = new WebAssembly.Instance(module, { env: { memory: kernels.memory } });
  const made = exports as unknown as Readonly<Record<KernelName, Kernel>>; // as assembly/decide/index.ts exports them
  instances.set(runtime, made);
  return made;
}
