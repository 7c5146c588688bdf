// Prepared steps: checked and placed once, with plan and scratch of their own, kept until they are freed.

import type { Call } from '../arguments/call.ts';
import { Plan, type Runtime } from '../machine/runtime.ts';
import { trim } from '../values/guard.ts';
import type { Step, Tensor } from '../values/types.ts';
import { Work } from '../work/work.ts';
import { type Gradient, gradientsOf } from './results.ts';

/** Whether two gradients are the same tensors. */
function same(a: Gradient | undefined, b: Gradient | undefined): boolean {
  if (a === b || a === undefined || b === undefined) return a === b;
  const [before, now] = [a, b] as readonly Record<string, unknown>[];
  return !('data' in b) && Object.keys(b).every((key) => before?.[key] === now?.[key]);
}

/** A step of a call that `check` gives. */
export function prepareStep(check: () => Call, runtime: Runtime): Step {
  const { memory } = runtime;
  // first of all: views of linear memory among the arguments die when it grows
  const plan = new Plan(memory);
  let call: Call;
  let work: Work;
  let base: number;
  try {
    call = check();
    work = new Work(call, runtime, plan, { grad: true, later: true });
    base = memory.allocate(work.bytes);
  } catch (error) {
    plan.free();
    throw error;
  }
  memory.renew();
  work.place(base);
  let alive = true;
  let running = 0;
  const release = (): void => {
    if (runtime.disposed) return;
    memory.release(base, work.bytes);
    plan.free();
  };
  const step = (): number | Tensor => {
    try {
      if (!alive) throw new TypeError(`${call.name}: this step was freed`);
      runtime.check();
      running += 1;
      try {
        work.step();
      } finally {
        running -= 1;
        if (!alive && running === 0) release();
      }
      return work.loss;
    } catch (error) {
      trim(error, step);
      throw error;
    }
  };
  const free = (): void => {
    if (!alive) return;
    alive = false;
    if (running === 0) release(); // else what an argument's getter frees goes when the step is done
  };
  const { sums } = work;
  const results: Record<string, () => unknown> = {
    sum: () => sums.sum + sums.sideSum,
    zSum: () => sums.sideSum,
    count: () => sums.count,
    weightSum: () => sums.weightSum,
    componentLosses: () => work.parts,
  };
  const gradients = gradientsOf(work);
  for (const key of Object.keys(gradients)) {
    results[key] = () => {
      // memory may have grown under an `out` that is a view of it
      const now = gradientsOf(work)[key];
      if (!same(gradients[key], now)) gradients[key] = now;
      return gradients[key];
    };
  }
  for (const [key, get] of Object.entries(results)) Object.defineProperty(step, key, { get, enumerable: true });
  Object.assign(step, { free });
  if (Symbol.dispose) Object.defineProperty(step, Symbol.dispose, { value: free });
  // the properties above are what Step says; TypeScript cannot follow defineProperty
  return step as unknown as Step;
}
