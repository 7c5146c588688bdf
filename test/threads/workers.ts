/** The workers that engines start in Node, as they are made. */
import type { Worker } from 'node:worker_threads';
import { vi } from 'vitest';

type Threads = { readonly Worker: new (...args: ConstructorParameters<typeof Worker>) => Worker };

/** Workers made from here on; `refuse`: none can be made. */
export function watchWorkers({ refuse = false } = {}): Worker[] {
  const made: Worker[] = [];
  const get = process.getBuiltinModule;
  const real = get('node:worker_threads') as Threads;
  class Watched extends real.Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      if (refuse) throw new Error('no worker here');
      super(...args);
      made.push(this);
    }
  }
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(((name: string) =>
    name === 'node:worker_threads' ? { ...real, Worker: Watched } : get(name)) as typeof get);
  return made;
}

/** When a worker has ended. */
export const ended = (worker: Worker): Promise<unknown> =>
  worker.threadId === -1 ? Promise.resolve() : new Promise((settle) => worker.once('exit', settle));
