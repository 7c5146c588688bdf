/**
 * `npm run mutate`: makes one fault at a time in a copy of the sources, and looks whether `npm test` sees it, and if not,
 * whether `npm run fuzz` does. Ends with 1 where too many get by. It takes hours.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Copy, type Ended } from './copy.ts';
import { adrift, mutations } from './index.ts';
import type { Mutation } from './types.ts';

const STAGES = ['likely', 'tests', 'fuzz'] as const;
type Stages = (typeof STAGES)[number];

const usage = `npm run mutate -- [--only TEXT,TEXT] [--log FILE] [--stages fuzz] [--seconds 120] [--check]

--only     faults whose file or description contains TEXT, or one of several texts with commas between them
--seconds  how long the fuzzer looks for what the tests did not see
--check    whether every fault still has its place, and end
--log      keeps what was found in a file; a fault that stands there is not tried again
--stages   where to stop: likely (the tests that are likely to see a fault), tests (all of them), fuzz`;

/** What saw a fault: some tests that were likely to, any of them, or the fuzzer. */
type Seen = 'likely tests' | 'all tests' | 'fuzz' | 'nothing' | 'does not build';

/** Faults of a hundred that the tests have to see. */
const LEAST = 95;

const lineOf = ({ output }: Ended): string => {
  const lines = output.split('\n');
  const found = lines.find((line) => /^ *(FAIL|Error:|AssertionError|--- \w+:)/.test(line));
  return (found ?? lines.findLast((line) => line.trim() !== '') ?? '').trim().slice(0, 160);
};

interface Verdict extends Pick<Mutation, 'fault' | 'file'> {
  readonly seen: Seen;
  readonly by: string;
}

/** Tests that would see any fault by its text, not by what it does. */
const byText: readonly string[] = ['test/mutate.test.ts'];

class Bench {
  readonly #copy = new Copy();
  readonly #seconds: number;
  readonly #stages: Stages;
  /** Test files that fail in a copy whatever is in it; not known until the first fault needs all tests. */
  #failing: readonly string[] | undefined;
  /** Whether what was built last is of sources without a fault. */
  #clean = false;

  constructor(seconds: number, stages: Stages) {
    this.#seconds = seconds;
    this.#stages = stages;
  }

  close(): void {
    this.#copy.remove();
  }

  /** The sources without a fault, built. */
  async #restored(): Promise<void> {
    if (this.#clean) return;
    const { ok, output } = await this.#copy.build(true);
    if (!ok) throw new Error(`the sources do not build:\n${output}`);
    this.#clean = true;
  }

  /** Tests that fail without a fault see nothing. */
  async open(tests: readonly string[]): Promise<void> {
    await this.#restored();
    const { ok, output } = await this.#copy.test([...new Set(tests)], [], false);
    if (!ok) throw new Error(`the tests fail without a fault:\n${output.slice(-4000)}`);
  }

  /** Without a fault everything has to pass; test files that do not in a copy are left out. */
  async #baseline(): Promise<readonly string[]> {
    if (this.#failing) return this.#failing;
    await this.#restored();
    const { ok, output } = await this.#copy.test([], byText, false);
    const files = [
      ...new Set([...output.matchAll(/FAIL +(?:\|?\w+\|? +)?(test\/\S+\.test\.ts)/g)].map(([, file]) => file!)),
    ];
    if (!ok && files.length === 0) throw new Error(`the tests fail without a fault:\n${output.slice(-4000)}`);
    if (files.length > 0) console.log(`fail in any copy, and are left out: ${files.join(', ')}`);
    this.#failing = files;
    return files;
  }

  async look(mutation: Mutation): Promise<Verdict> {
    const { fault, file, tests } = mutation;
    const verdict = (seen: Seen, ended?: Ended): Verdict => ({ fault, file, seen, by: ended ? lineOf(ended) : '' });
    const compiled = file.startsWith('assembly/');
    if (!compiled) await this.#restored();
    let restore = this.#copy.apply(mutation);
    try {
      if (compiled) {
        this.#clean = false;
        const built = await this.#copy.build(false);
        if (!built.ok) return verdict('does not build', built);
      }
      const likely = await this.#copy.test(tests);
      if (!likely.ok) return verdict('likely tests', likely);
      if (this.#stages === 'likely') return verdict('nothing');
      restore();
      const failing = await this.#baseline();
      restore = this.#copy.apply(mutation);
      this.#clean = false;
      const built = await this.#copy.build(true);
      if (!built.ok) return verdict('does not build', built);
      const all = await this.#copy.test([], [...byText, ...failing]);
      if (!all.ok) return verdict('all tests', all);
      if (this.#stages === 'tests') return verdict('nothing');
      const fuzzed = await this.#copy.fuzz(this.#seconds);
      return fuzzed.ok ? verdict('nothing') : verdict('fuzz', fuzzed);
    } finally {
      restore();
    }
  }
}

function report(verdicts: readonly Verdict[]): boolean {
  const count = (...seen: readonly Seen[]): number => verdicts.filter((verdict) => seen.includes(verdict.seen)).length;
  const tests = count('likely tests', 'all tests');
  console.log(`\n${verdicts.length} faults: npm test sees ${tests}, the fuzzer ${count('fuzz')} of the others`);
  for (const { fault, file, seen, by } of verdicts) {
    if (seen === 'likely tests' || seen === 'all tests') continue;
    console.log(`- ${seen}: ${fault} (\`${file}\`)${by === '' ? '' : `: ${by}`}`);
  }
  return 100 * tests >= LEAST * verdicts.length && count('nothing', 'does not build') === 0;
}

/** What an earlier run wrote down. */
function readLog(log: string): Verdict[] {
  if (!existsSync(log)) return [];
  const lines = readFileSync(log, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Verdict);
}

async function main(only: string, log: string, bench: Bench): Promise<boolean> {
  const name = ({ file, fault }: Pick<Mutation, 'fault' | 'file'>): string => `${file} ${fault}`;
  const texts = only.split(',');
  const chosen = mutations.filter((mutation) => texts.some((text) => name(mutation).includes(text)));
  const known = new Map(readLog(log).map((verdict) => [name(verdict), verdict]));
  const verdicts: Verdict[] = [];
  try {
    const open = chosen.filter((mutation) => !known.has(name(mutation)));
    await bench.open(open.flatMap(({ tests }) => tests));
    for (const mutation of chosen) {
      let verdict = known.get(name(mutation));
      if (!verdict) {
        verdict = await bench.look(mutation);
        if (log !== '') appendFileSync(log, `${JSON.stringify(verdict)}\n`);
      }
      verdicts.push(verdict);
      console.log(`${verdict.seen.padEnd(14)} ${name(mutation)}${verdict.by && `\n    ${verdict.by}`}`);
    }
  } finally {
    bench.close();
  }
  return report(verdicts);
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '120' },
    log: { type: 'string', default: '' },
    stages: { type: 'string', default: 'fuzz' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const stages = STAGES.find((stage) => stage === values.stages);
const lost = adrift();
for (const { file, from } of lost) console.log(`${file} has no such text, or has it twice: ${JSON.stringify(from)}`);
if (values.help || !stages) console.log(usage);
else if (lost.length > 0 || values.check) process.exitCode = lost.length > 0 ? 1 : 0;
else process.exitCode = (await main(values.only, values.log, new Bench(Number(values.seconds), stages))) ? 0 : 1;
