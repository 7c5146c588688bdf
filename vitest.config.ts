import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** A function that uses one instruction of relaxed SIMD: valid where the runtime knows it. */
const relaxedProbe = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 5, 1, 96, 0, 1, 123], // type: () → v128
  ...[3, 2, 1, 0], // one function of it
  ...[10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 128, 2, 11], // i8x16.relaxed_swizzle of two splats
);

/** Node 20 has relaxed SIMD behind a flag that later versions no longer know. */
const relaxed = WebAssembly.validate(relaxedProbe) ? [] : ['--experimental-wasm-relaxed-simd'];

/** Files that start programs take longest whatever their size: one that came last would run alone. */
const first: readonly string[] = ['runtimes', 'readme', 'penguins/command', 'fuzz', 'fleet', 'browser-example'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const at = first.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? first.length : at;
    };
    return sorted.sort((a, b) => place(a) - place(b));
  }
}

/**
 * Files that have a process of their own: they replace modules, look at the heap or at all of memory, or start programs. The
 * others share one for each core, and load the library and the references once.
 */
const alone = [
  ...[...first, 'fuzz-runtimes', 'fuzz-checks', 'guide', 'edge-worker', 'entries', 'penguins', 'trust/uncaught'],
  ...['tiers', 'footprint', 'memory', 'engine', 'development', 'guard', 'trust/operands', 'trust/sizes'],
  ...['threads/bits', 'threads/engine', 'threads/heads', 'threads/runtimes'],
].map((name) => `test/${name}.test.ts`);

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    setupFiles: ['test/setup.ts'],
    globalSetup: ['test/runtimes/packed.ts'],
    sequence: { sequencer: LongestFirst },
    // one for each core: by default one core stays idle, half of a small machine
    maxWorkers: availableParallelism(),
    // every tier is tested, and memory.test.ts looks at the heap after a collection
    execArgv: ['--expose-gc', ...relaxed],
    projects: [
      { extends: true, test: { name: 'alone', include: alone } },
      { extends: true, test: { name: 'together', include: ['test/**/*.test.ts'], exclude: alone, isolate: false } },
    ],
  },
});
