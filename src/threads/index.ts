// The entry lossmith/threads: the main one, with engines of several threads.

export * from '../index.ts';
export { createEngine } from './engine.ts';
