/**
 * Two threads beside one, and beside what two processes of native/losses.c that run side by side reach against one:
 *
 *   npm run bench -- --threads [--filter RE] [--rounds N] [--time MS] [--docs]
 *
 * Prepared steps, all taking turns. --docs puts what was measured into docs/measured.json and docs/speed.md.
 */
import { createEngine } from '../src/threads/index.ts';
import { commandOf, type Large, nameOf, sizeOf, stepOf } from './large.ts';
import { measured, type Options, record } from './measured.ts';
import { median } from './median.ts';
import { openDrawn, withNative } from './native.ts';
import { machine, table } from './page.ts';
import { time as timeText } from './report.ts';
import { callsOf, fastestOf, roundOf } from './rounds.ts';

const calls: readonly Large[] = [
  { operation: 'crossEntropy', shape: [1024, 1000] },
  { operation: 'crossEntropy', shape: [64, 32_000] },
  { operation: 'crossEntropy', shape: [16, 21, 64, 64] },
  { operation: 'bceWithLogits', shape: [4096, 1000] },
  { operation: 'mse', shape: [1_000_000] },
  { operation: 'mse', shape: [10_000_000] },
  { operation: 'componentCrossEntropy', shape: [1_000_000, 4] },
  { operation: 'crossEntropy', shape: [128, 1000] },
  { operation: 'crossEntropy', shape: [8192, 4] },
  { operation: 'mse', shape: [10_000] },
];

/** The part of what the machine gives that large calls have to reach, and of one thread's speed that smaller ones keep. */
const TARGET = { large: 0.9, small: 0.97 } as const;
/** Bytes of the input of a large call. */
const LARGE = 4_000_000;
/** What two processors reach at least; below it another program had one of them, and nothing was measured. */
const ALONE = 1.7;

interface Known {
  readonly day: string;
  /** Milliseconds per call on one thread and on two. */
  readonly one: number;
  readonly two: number;
  /** How many times faster two threads are than one, two processes in C than one, and the medians of the rounds' quotients. */
  readonly ours: number;
  readonly machine: number;
  readonly quotient: number;
  /** Milliseconds per call of one process in C. */
  readonly native: number;
}

async function measure(call: Large, program: string, { rounds, time }: Options): Promise<Known> {
  const engines = [1, 2].map((threads) => createEngine({ tier: 'simd', threads }));
  const trials = await Promise.all([0, 1].map(() => openDrawn(program, commandOf(call))));
  try {
    for (const engine of engines) await engine.ready;
    if (engines[1]!.threads !== 2) throw new Error('there is no second thread here');
    const runs = engines.map((engine) => {
      const run = stepOf(engine, call);
      return { run, calls: callsOf(fastestOf(run, 3 * time)) };
    });
    const losses = runs.map(({ run }) => run());
    if (losses[0] !== losses[1]) throw new Error(`${nameOf(call)}: another loss on two threads`);
    for (const { station } of trials) await station.prepare(3 * time);
    const ours = [0, 1].map((): number[] => []);
    const native = [0, 1].map((): number[] => []);
    const turns = [
      ...runs.map(
        ({ run, calls }, i) =>
          async () =>
            ours[i]!.push(roundOf(run, time, calls)),
      ),
      async () => native[0]!.push(await trials[0]!.station.round(time)),
      async () => native[1]!.push(Math.max(...(await Promise.all(trials.map(({ station }) => station.round(time)))))),
    ];
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < turns.length; turn++) await turns[(round + turn) % turns.length]!();
    }
    const scaling = ours[0]!.map((one, i) => one / ours[1]![i]!);
    const possible = native[0]!.map((one, i) => (2 * one) / native[1]![i]!);
    const [[one, two], day] = [ours.map(median) as [number, number], new Date().toISOString().slice(0, 10)];
    const [reached, given] = [median(scaling), median(possible)];
    return { day, one, two, ours: reached, machine: given, quotient: reached / given, native: median(native[0]!) };
  } finally {
    for (const { station } of trials) station.close();
    for (const engine of engines) engine.dispose();
  }
}

const isLarge = (call: Large): boolean => 4 * sizeOf(call) >= LARGE;
const misses = (call: Large, { ours, quotient }: Known): boolean =>
  isLarge(call) ? quotient < TARGET.large : ours < TARGET.small;

function section(known: Readonly<Record<string, Known>>): string {
  const rows = calls.flatMap((call) => {
    const found = known[nameOf(call)];
    if (found === undefined) return [];
    const { one, two, ours, machine, quotient } = found;
    const ratios = [ours, machine, quotient].map((ratio) => ratio.toFixed(2));
    return [[`\`${nameOf(call)}\``, timeText(one), timeText(two), ...ratios]];
  });
  const days = Object.values(known).map(({ day }) => day);
  return [
    '## Threads',
    `Prepared steps on an engine of \`lossmith/threads\`, simd tier: two threads beside one. Beside it what the machine gives: two processes of \`bench/native/losses.c\` that run side by side, each with the whole call, beside one (for losses of components its cross entropy stands in). The target is ${TARGET.large} of that for calls of 4 MB and more. Medians of rounds in which all take turns. ${machine()}, ${days.sort().at(-1)}.`,
    table(['workload', '1 thread', '2 threads', 'ours, 2 / 1', 'C, 2 / 1', 'quotient'], rows),
  ].join('\n\n');
}

/** Measures all calls; false where a target is missed. */
export async function threads(options: Options): Promise<boolean> {
  const found: Record<string, Known> = {};
  const missed: string[] = [];
  await withNative(async (program) => {
    for (const call of calls.filter((each) => new RegExp(options.filter).test(nameOf(each)))) {
      const known = await measure(call, program, options);
      const { one, two, ours, machine, quotient } = known;
      const ratios = `ours ${ours.toFixed(2)}  C ${machine.toFixed(2)}  quotient ${quotient.toFixed(2)}`;
      console.log(`${nameOf(call).padEnd(34)} ${timeText(one)} → ${timeText(two)}  ${ratios}`);
      if (machine < ALONE) {
        console.log('  not kept: the second processor was busy with something else');
        continue;
      }
      found[nameOf(call)] = known;
      if (misses(call, known)) missed.push(nameOf(call));
    }
  });
  if (missed.length > 0) console.log(`Below the target: ${missed.join('; ')}`);
  if (options.docs) record('threads', { ...measured<Known>('threads'), ...found }, section);
  return missed.length === 0;
}
