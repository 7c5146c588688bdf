/**
 * The fuzzer in the runtimes that are no Node, on the packed package: some seeded cases of every campaign. One
 * row has its turn a day under `npm test`; one whose runtime is not installed is skipped, as in test/runtimes.test.ts.
 */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { fuzzRows } from './fuzz/runtimes/rows.ts';
import { installPackage } from './runtimes/project.ts';
import type { Project } from './runtimes/types.ts';
import { inTurn } from './runtimes/where.ts';
import { whole } from './sample.ts';

const plan = { seed: 20261121, runs: whole ? 60 : 25 };

describe('fuzz', () => {
  let project: (Project & { remove(): void }) | undefined;
  beforeAll(async () => {
    if (fuzzRows.some((row) => row.missing() === undefined)) project = await installPackage();
  });
  afterAll(() => project?.remove());

  const tried = fuzzRows.map((row) => ({
    missing: row.missing(),
    name: row.name,
    run: async () => {
      const report = await row.run(project!, plan);
      expect(report.runtime).toMatch(row.runtime);
      for (const [name, { cases }] of Object.entries(report.counts)) expect(cases, name).toBe(plan.runs);
      expect(report.failures).toEqual([]);
    },
  }));
  inTurn('the fuzzer in other runtimes', tried);
});
