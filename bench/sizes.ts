/**
 * The time of a prepared step beside native/losses.c at the same size, from 10 thousand elements to 100 million:
 *
 *   npm run bench -- --sizes [--filter RE] [--rounds N] [--time MS] [--docs]
 *
 * Both take turns. --docs puts what was measured into docs/measured.json and docs/speed.md.
 */
import { freemem } from 'node:os';
import { createEngine } from '../src/index.ts';
import { commandOf, type Large, nameOf, sizeOf, stepOf } from './large.ts';
import { measured, type Options, record } from './measured.ts';
import { median } from './median.ts';
import { openDrawn, withNative } from './native.ts';
import { machine, table } from './page.ts';
import { time as timeText } from './report.ts';
import { callsOf, fastestOf, roundOf } from './rounds.ts';

const sizes = [1e4, 1e5, 1e6, 1e7, 1e8] as const;

const callsOfSize = (size: number): readonly Large[] => [
  { operation: 'crossEntropy', shape: [size / 100, 100] },
  // whole turns of the loops in C
  { operation: 'bceWithLogits', shape: [size] },
  { operation: 'mse', shape: [size] },
];

/** How many times as long as C a step may take, at most. */
const TARGET = 1.3;
/** Losses of the same data differ by less: those of C are sums in float32. */
const TOLERANCE = 1e-4;

interface Known {
  readonly day: string;
  /** Milliseconds per call. */
  readonly own: number;
  readonly native: number;
  /** How many times as long as C a step takes: median of the rounds' quotients. */
  readonly ratio: number;
}

/** Three float32 tensors here and as many in C. */
const bytesOf = (call: Large): number => 24 * sizeOf(call);

async function measure(call: Large, program: string, { rounds, time }: Options): Promise<Known> {
  const engine = createEngine({ tier: 'simd' });
  const { loss, station } = await openDrawn(program, commandOf(call));
  try {
    const run = stepOf(engine, call);
    const own = run();
    if (!(Math.abs(own - loss) <= TOLERANCE * loss)) throw new Error(`${nameOf(call)}: ${own}, in C ${loss}`);
    const calls = callsOf(fastestOf(run, 3 * time));
    await station.prepare(3 * time);
    const times = [0, 1].map((): number[] => []);
    const turns = [
      async () => times[0]!.push(roundOf(run, time, calls)),
      async () => times[1]!.push(await station.round(time)),
    ];
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < 2; turn++) await turns[(round + turn) % 2]!();
    }
    const ratio = median(times[0]!.map((each, i) => each / times[1]![i]!));
    const day = new Date().toISOString().slice(0, 10);
    return { day, own: median(times[0]!), native: median(times[1]!), ratio };
  } finally {
    station.close();
    engine.dispose();
  }
}

function section(known: Readonly<Record<string, Known>>): string {
  const names = callsOfSize(1).map(({ operation }) => operation);
  const rows = sizes.map((size) => {
    const cells = callsOfSize(size).flatMap((call) => {
      const found = known[nameOf(call)];
      return found ? [timeText(found.own), `${found.ratio.toFixed(2)}×`] : ['-', '-'];
    });
    return [size.toLocaleString('en'), ...cells];
  });
  const days = Object.values(known).map(({ day }) => day);
  return [
    '## Sizes',
    `Prepared steps of the simd tier, and how many times as long as \`bench/native/losses.c\` they take on the same data, both taking turns; the target is at most ${TARGET}. \`crossEntropy\` has 100 classes. ${machine()}, ${days.sort().at(-1)}.`,
    table(['elements', ...names.flatMap((name) => [`\`${name}\``, 'ours / C'])], rows),
  ].join('\n\n');
}

/** Measures all sizes; false where a target is missed. */
export async function bySize(options: Options): Promise<boolean> {
  const found: Record<string, Known> = {};
  const missed: string[] = [];
  await withNative(async (program) => {
    const chosen = sizes.flatMap(callsOfSize).filter((call) => new RegExp(options.filter).test(nameOf(call)));
    for (const call of chosen) {
      if (bytesOf(call) > freemem()) {
        console.log(`left out: ${nameOf(call)}, which takes ${(bytesOf(call) / 1e9).toFixed(1)} GB`);
        continue;
      }
      const known = await measure(call, program, options);
      found[nameOf(call)] = known;
      const { own, native, ratio } = known;
      const line = `${nameOf(call).padEnd(30)} ${timeText(own)}  C ${timeText(native)}  ${ratio.toFixed(2)}×`;
      console.log(line);
      if (ratio > TARGET) missed.push(nameOf(call));
    }
  });
  if (missed.length > 0) console.log(`Above the target: ${missed.join('; ')}`);
  if (options.docs) record('sizes', { ...measured<Known>('sizes'), ...found }, section);
  return missed.length === 0;
}
