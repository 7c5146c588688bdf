/** The module that runs the example's worker, with the types of what the tests use. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A worker that listens. */
export interface Running {
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly entry: string;
  readonly compatibilityDate: string;
  readonly variables?: Readonly<Record<string, string | number>>;
  readonly v8Flags?: readonly string[];
}

/** The example's folder. */
export const example = fileURLToPath(new URL('../../examples/edge-worker/', import.meta.url));
export const { findWorkerd, startWorker } = (await import(/* @vite-ignore */ join(example, 'workerd.mjs'))) as {
  findWorkerd(): string | undefined;
  startWorker(options: StartOptions): Promise<Running>;
};
