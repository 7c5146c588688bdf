/**
 * The tarball of `npm pack` gives the same golden results and, with `deterministic: true`, the same bits in every runtime
 * and through every bundler. One row per way to run it, in test/runtimes/rows.ts and browsers.ts.
 *
 * `npm test` runs one row of each group a day, .ci/run all of them. A row whose runtime is not installed is skipped, with a line
 * that says how to install it; with LOSSMITH_RUNTIMES=all, as .ci/run has it, it fails.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { browserRows } from './runtimes/browsers.ts';
import { installPackage } from './runtimes/project.ts';
import { serverRows } from './runtimes/rows.ts';
import type { Project, Row } from './runtimes/types.ts';
import { inTurn } from './runtimes/where.ts';

const rows = [...serverRows(), ...browserRows()];
const groups = new Set(rows.map(({ group }) => group));

const { hashes: stored } = JSON.parse(readFileSync(new URL('./golden/hashes.json', import.meta.url), 'utf8')) as {
  hashes: Record<string, string>;
};

async function runs(row: Row, project: Project): Promise<void> {
  const report = await row.run(project);
  expect(report.failures).toEqual([]);
  expect(report.runtime).toMatch(row.runtime);
  expect(report.tier).toBe(row.tier);
  expect(report.cases).toBeGreaterThanOrEqual(60);
  const names = Object.keys({ ...stored, ...report.hashes });
  expect(names.filter((name) => report.hashes[name] !== stored[name])).toEqual([]);
}

describe('the packed package', () => {
  let project: Awaited<ReturnType<typeof installPackage>> | undefined;
  beforeAll(async () => {
    project = await installPackage();
  });
  afterAll(() => project?.remove());

  for (const group of groups) {
    const own = rows.filter((row) => row.group === group);
    inTurn(
      group,
      own.map((row) => ({ missing: row.missing(), name: row.name, run: () => runs(row, project!) })),
    );
  }
});
