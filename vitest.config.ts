import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** A function that uses one instruction of relaxed SIMD: valid where the runtime knows it. */
const relaxedProbe = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 5, 1, 96, 0, 1, 123], // type: () → v128
  ...[3, 2, 1, 0], // one function of it
  ...[10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 128, 2, 11], // i8x16.relaxed_swizzle of two splats
);

/** Node 20 has relaxed SIMD behind a flag that later versions no longer know. */
const relaxed = WebAssembly.validate(relaxedProbe) ? [] : ['--experimental-wasm-relaxed-simd'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // one for each core: by default one core stays idle, half of a small machine
    maxWorkers: availableParallelism(),
    // every tier is tested, and memory.test.ts looks at the heap after a collection
    execArgv: ['--expose-gc', ...relaxed],
  },
});
