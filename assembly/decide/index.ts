// The kernels of lossmith/decide: a module of their own, so that nobody else loads them. It runs in the memory of an engine, beside
// the engine's own module, and takes the same Plan.

export { argmax } from './argmax';
export { logProb } from './logProb';
export { marginal } from './marginal';
export { ordinal } from './ordinal';
export { predict } from './predict';
export { temperature } from './temperature';
export { topK } from './topK';

/** Where its data end, which have to end before those of the engine's module start (assembly/build.mjs). */
export function dataEnd(): usize {
  return __heap_base;
}
