/**
 * Cold start: how long after the end of an empty process does a process that imports the package print its first loss?
 *
 *   npm run coldstart -- [--rounds N] [--check] [--json FILE] [--tarball FILE]
 *
 * The package is packed and installed into an empty project, as a user has it (--tarball measures another one). Each round
 * starts every program once, in a changing order. Starting Node takes tens of milliseconds that vary by more than what is
 * measured, so the report holds three figures: the difference of the fastest starts (what the package costs where nothing
 * disturbs), the median of the differences within rounds, and the median difference of processor time, which other
 * processes disturb least. --check exits with 1 where the first is above the target.
 */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './median.ts';

/** Milliseconds from the end of an empty process to the first loss. */
const target = 5;

/** Written at once: the first console.log of a process takes milliseconds, which are not the package's. */
const call = "writeSync(1, crossEntropy([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]], [0, 2]).loss + '\\n');";
/** At its end each program says what processor time it took. */
const usage = "process.on('exit', () => writeSync(2, JSON.stringify(process.cpuUsage())));";
const esm = `import { writeSync } from 'node:fs';\n${usage}\n`;
const commonJs = `const { writeSync } = require('node:fs');\n${usage}\n`;

interface Program {
  readonly name: string;
  readonly source: string;
  /** The empty program it is compared with. */
  readonly against: string;
}

const programs: readonly Program[] = [
  { name: 'empty.mjs', source: esm, against: 'empty.mjs' },
  { name: 'import.mjs', source: `import { crossEntropy } from 'lossmith';\n${esm}${call}`, against: 'empty.mjs' },
  { name: 'empty.cjs', source: commonJs, against: 'empty.cjs' },
  {
    name: 'require.cjs',
    source: `${commonJs}const { crossEntropy } = require('lossmith');\n${call}`,
    against: 'empty.cjs',
  },
];

/** Milliseconds of one start. */
interface Start {
  /** Until the first line of output; the end where there is none. */
  readonly first: number;
  readonly end: number;
  /** User and system time. */
  readonly cpu: number;
}

function start(program: string, folder: string): Promise<Start> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(process.execPath, [program], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let first: number | undefined;
    let end = 0;
    let told = '';
    child.stdout.once('data', () => {
      first = performance.now() - began;
    });
    child.stderr.on('data', (text: Buffer) => {
      told += text;
    });
    child.once('exit', () => {
      end = performance.now() - began;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code !== 0) {
        reject(new Error(`${program} ended with code ${code}: ${told}`));
        return;
      }
      const { user, system } = JSON.parse(told) as NodeJS.CpuUsage;
      resolve({ first: first ?? end, end, cpu: (user + system) / 1e3 });
    });
  });
}

/** What one program costs beyond the empty one, in milliseconds. */
export interface ColdStart {
  readonly program: string;
  /** Fastest first loss less fastest empty process. */
  readonly fastest: number;
  /** Median over rounds of first loss less empty process. */
  readonly typical: number;
  /** Median over rounds of the processor time less that of the empty process. */
  readonly cpu: number;
  /** The fastest empty process. */
  readonly empty: number;
}

/** Installs the package into `folder`; returns the project. */
function install(folder: string, tarball: string | undefined): string {
  const program = fileURLToPath(new URL('../.ci/package.mjs', import.meta.url));
  const run = (command: string) =>
    execFileSync(process.execPath, [program, command, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (tarball === undefined) run('pack');
  else copyFileSync(tarball, join(folder, 'lossmith.tgz'));
  run('install');
  return join(folder, 'user');
}

/** Measures all programs. */
export async function measureColdStart(rounds: number, tarball?: string): Promise<ColdStart[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lossmith-coldstart-'));
  try {
    const project = install(folder, tarball);
    for (const { name, source } of programs) writeFileSync(join(project, name), `${source}\n`);
    const starts = new Map<string, Start[]>(programs.map(({ name }) => [name, []]));
    for (let round = -1; round < rounds; round++) {
      for (let turn = 0; turn < programs.length; turn++) {
        const { name } = programs[(round + 1 + turn) % programs.length]!;
        const result = await start(name, project);
        if (round >= 0) starts.get(name)!.push(result); // the first round fills the file cache
      }
    }
    return programs
      .filter(({ name, against }) => name !== against)
      .map(({ name, against }) => {
        const own = starts.get(name)!;
        const empty = starts.get(against)!;
        const fastestEmpty = Math.min(...empty.map(({ end }) => end));
        return {
          program: name,
          fastest: Math.min(...own.map(({ first }) => first)) - fastestEmpty,
          typical: median(own.map(({ first }, round) => first - empty[round]!.end)),
          cpu: median(own.map(({ cpu }, round) => cpu - empty[round]!.cpu)),
          empty: fastestEmpty,
        };
      });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The measurements as lines of text. */
export const report = (results: readonly ColdStart[]): string =>
  results
    .map(({ program, fastest, typical, cpu, empty }) => {
      const [a, b, c, d] = [fastest, typical, cpu, empty].map((value) => `${value.toFixed(1)} ms`);
      return `${program.padEnd(12)} first loss ${a} after an empty process (${d}), median ${b}, processor time +${c}`;
    })
    .join('\n');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values: flags } = parseArgs({
    options: {
      rounds: { type: 'string', default: '30' },
      check: { type: 'boolean', default: false },
      json: { type: 'string' },
      tarball: { type: 'string' },
    },
  });
  const rounds = Number(flags.rounds);
  if (!(Number.isInteger(rounds) && rounds > 0)) {
    throw new RangeError(`--rounds ${flags.rounds}: expected an integer above 0`);
  }
  const results = await measureColdStart(rounds, flags.tarball);
  console.log(`Node ${process.versions.node}, ${rounds} rounds; target: at most ${target} ms\n${report(results)}`);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ rounds, results }, undefined, 2)}\n`);
  const slow = results.filter(({ fastest }) => fastest > target);
  if (flags.check && slow.length > 0) {
    console.error(`${slow.map(({ program }) => program).join(', ')}: above the target of ${target} ms`);
    process.exitCode = 1;
  }
}
