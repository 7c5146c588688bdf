/** What the suite of runtimes is made of: rows, and the report that the probe gives in each. */
import type { Report } from './probe.ts';

export type { Report };

/** Where a row runs: the tarball, installed into a project of its own. */
export interface Project {
  /** The project's folder: package.json and node_modules/lossmith. Rows only read it. */
  readonly folder: string;
  /** A new folder inside the project, so that 'lossmith' resolves from there; it goes with the project. */
  scratch(name: string): string;
  /** A new folder from which 'lossmith' does not resolve, for bundles; it goes with the project. */
  outside(name: string): string;
}

/** One way to run the package. */
export interface Row {
  readonly name: string;
  /** Rows that fail alike: of each group one has its turn a day under `npm test` (where.ts). */
  readonly group: string;
  /** What is not installed, with how to install it; undefined where the row can run. */
  missing(): string | undefined;
  /** What the report's `runtime` must match. */
  readonly runtime: RegExp;
  /** The tier that `auto` must choose there. */
  readonly tier: Report['tier'];
  run(project: Project): Promise<Report>;
}
