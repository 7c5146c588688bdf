// Starting threads, as the runtime has them: node:worker_threads in Node, Deno and Bun, Workers of a Blob in browsers.

import { program } from '../generated/worker.ts';
import type { Setup } from './worker.ts';

/** A thread beside this one. */
export interface Thread {
  /** Whether it has certainly ended. */
  ended: boolean;
  /** Keeps the process alive for it, or not. */
  hold(keep: boolean): void;
  end(): void;
}

/** What a thread tells. */
export interface Told {
  ready(): void;
  /** It failed, or ended. */
  gone(): void;
}

interface NodeWorker {
  on(event: string, heard: () => void): void;
  ref(): void;
  unref(): void;
  terminate(): unknown;
}

/** Of node:worker_threads, what is used here. */
interface NodeThreads {
  readonly Worker: new (code: string, options: Readonly<Record<string, unknown>>) => NodeWorker;
}

/** Of globals that are not everywhere. */
interface Host {
  readonly process?: { readonly versions?: { readonly node?: string }; getBuiltinModule?(name: string): NodeThreads };
  readonly Worker?: new (
    url: string,
  ) => {
    onmessage: (() => void) | null;
    onerror: ((event: { preventDefault?(): void }) => void) | null;
    postMessage(data: unknown): void;
    terminate(): void;
  };
  readonly Blob?: new (parts: readonly string[], options: { readonly type: string }) => object;
  readonly URL?: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
  readonly crossOriginIsolated?: boolean;
}

const host = globalThis as unknown as Host; // whichever it is
const NAME = 'node:worker_threads';

/** Whether threads can share memory here. */
export function sharing(): boolean {
  if (typeof SharedArrayBuffer === 'undefined' || host.crossOriginIsolated === false) return false;
  return host.process?.versions?.node !== undefined || (host.Worker !== undefined && host.Blob !== undefined);
}

/** Starts a thread. */
export function spawn(setup: Setup, told: Told): Thread {
  return host.process?.versions?.node === undefined ? spawnWeb(setup, told) : spawnNode(setup, told);
}

function spawnNode(workerData: Setup, told: Told): Thread {
  let worker: NodeWorker | undefined;
  let kept = false;
  let over = false;
  const thread = {
    ended: false,
    hold: (keep: boolean): void => {
      kept = keep;
      if (keep) worker?.ref();
      else worker?.unref();
    },
    end: (): void => {
      over = true;
      if (worker) worker.terminate();
      else thread.ended = true;
    },
  };
  const gone = (): void => {
    thread.ended = true;
    told.gone();
  };
  const start = ({ Worker }: NodeThreads): void => {
    if (over) return;
    const code = `const{parentPort:p,workerData}=require('${NAME}');${program}helper.help(workerData,()=>p.postMessage(0))`;
    // what the process preloads is not for helpers
    worker = new Worker(code, { eval: true, workerData, execArgv: [], name: 'lossmith' });
    worker.on('message', () => told.ready());
    worker.on('error', () => undefined); // an exit follows
    worker.on('exit', gone);
    thread.hold(kept);
  };
  const threads = host.process?.getBuiltinModule?.(NAME);
  if (threads) start(threads);
  else {
    const name = NAME; // hidden from bundlers for browsers
    import(/* @vite-ignore */ /* webpackIgnore: true */ name).then(start).catch(gone);
  }
  return thread;
}

function spawnWeb(setup: Setup, told: Told): Thread {
  const { Worker, Blob, URL } = host as Required<Host>;
  const code = `${program}onmessage=({data})=>{helper.help(data,()=>postMessage(0));close()}`;
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const worker = new Worker(url);
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
    told.ready();
  };
  worker.onerror = (event) => {
    event.preventDefault?.();
    told.gone();
  };
  worker.postMessage(setup);
  // a browser does not say when a worker has ended
  return { ended: false, hold: () => undefined, end: () => worker.terminate() };
}
