import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { sampled } from '../sample.ts';
import { mainFile } from './example.ts';

const folder = mkdtempSync(join(tmpdir(), 'lossmith-penguins-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file into the test's folder and returns its name there. */
function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return name;
}

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the example as `npm start` does, in the test's folder. */
function run(words: string[], environment: Record<string, string> = {}): Promise<Outcome> {
  const env = { ...process.env, LC_ALL: 'C.UTF-8', npm_lifecycle_event: '', ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [fileURLToPath(mainFile), ...words], { cwd: folder, env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

const { startTags } = (await import(new URL('../../.ci/xml.mjs', import.meta.url).href)) as {
  startTags: (xml: string) => { name: string; attributes: Record<string, string> }[];
};

/** The final loss of the weighted task. */
const scoreOf = (stdout: string): string | undefined =>
  /^species × sex +componentCrossEntropy +\S+ +(\S+)/m.exec(stdout.replace(/^species x sex/m, 'species × sex'))?.[1];

describe('the command', () => {
  let equal: string | undefined;
  it('reports all tasks, plots the curves and draws them with the answers as SVG', async () => {
    const { code, stdout, stderr } = await run(['--steps', '200', '--svg', 'loss.svg']);
    expect([code, stderr]).toEqual([0, '']);
    const names = ['species', 'species × sex', 'yes/no labels', 'body mass', 'measurements', 'digits', 'digits yes/no'];
    for (const [i, name] of names.entries()) expect(stdout).toMatch(new RegExp(`^${i + 1}/7 ${name}, \\w+`, 'm'));
    expect(stdout).toMatch(
      /^species × sex +componentCrossEntropy +[\d.]+ +[\d.]+ +\d+\.\d % +\d+(\.\d)? +\d+(\.\d)?$/m,
    );
    expect(stdout).toMatch(/^task +loss function +initial +final +test +loss µs +step µs$/m);
    expect(stdout).toMatch(/^body mass +mse .* R² 0\.\d\d /m);
    expect(stdout).toMatch(/^crossEntropy +9\d\.\d % +0\.\d{3} +0\.\d{3} +\d+ +0$/m);
    expect(stdout).toContain('┴');
    equal = scoreOf(stdout);
    expect(stdout).toContain('Loss curves and answers as a picture: loss.svg');
    expect(stdout.split('\n').length).toBeLessThan(90);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);

    const svg = readFileSync(join(folder, 'loss.svg'), 'utf8');
    expect(svg).not.toContain('NaN');
    const labels = startTags(svg).map(({ attributes }) => attributes['aria-label'] ?? '');
    for (const name of names) {
      for (const rows of ['training', 'held out']) {
        const drawn = (label: string) => label.includes(`; task: ${name} | `) && label.endsWith(`; rows: ${rows}`);
        expect(labels.filter(drawn)).toHaveLength(1);
      }
    }
    // each test row is in a field of each matrix once, in its text and in its colour; and a point of body mass
    const counts = labels.flatMap(
      (label) => label.match(/^predicted: .*; actual: .*; Count of Records: (\d+)$/)?.[1] ?? [],
    );
    expect(counts.reduce((sum, count) => sum + Number(count), 0)).toBe(2 * (86 + 84 + 2 * 2500));
    // and the line where real and predicted are equal
    expect(labels.filter((label) => /^real: [\d.]+; predicted: [\d.]+$/.test(label))).toHaveLength(84 + 1);
  });

  // the test above has what a terminal shows that does more, and the score of equal weights after as many steps
  const ways = [
    { weight: ['--alpha=5'], ascii: ['--ascii'], environment: {} },
    { weight: ['--beta', '0.2'], ascii: [], environment: { LC_ALL: 'C' } },
    { weight: ['--joint', '0'], ascii: ['--ascii'], environment: {} },
  ];
  it.each(sampled(ways, 0.3))('takes $weight, and keeps to ASCII where the terminal does', async (way) => {
    const words = ['--steps', '200', '--svg', 'weights.svg', ...way.weight, ...way.ascii];
    const { code, stdout } = await run(words, way.environment);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\p{ASCII}+$/u);
    expect(scoreOf(stdout)).toMatch(/^[\d.]+$/);
    expect(scoreOf(stdout)).not.toBe(equal);
  });

  it('learns a table of your own', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i % 3 === 0 ? '"a, <b>"' : 'c'},${i % 3},${(i * 7) % 60}`);
    const name = file('mine.csv', `kind,x,noise\n${rows.join('\n')}\n`);
    const { code, stdout, stderr } = await run(['--data', name, '--target', 'kind', '--svg', 'mine.svg']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('mine.csv: predicting kind with crossEntropy');
    expect(stdout).toContain('accuracy 100.0 %');
    startTags(readFileSync(join(folder, 'mine.svg'), 'utf8'));
  });

  it('finds files from where npm start was called', async () => {
    const name = file('called.csv', `a,b\n${Array.from({ length: 30 }, (_, i) => `${i},${i % 2}`).join('\n')}`);
    const env = { npm_lifecycle_event: 'start', INIT_CWD: tmpdir() };
    const { stderr } = await run(['--data', name, '--target', 'b', '--steps', '1'], env);
    expect(stderr).toBe('error: cannot read called.csv: no such file\n');
  });

  it('explains itself', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const option of ['alpha', 'beta', 'joint', 'data', 'target', 'steps', 'seed', 'svg', 'ascii']) {
      expect(stdout).toContain(`--${option}`);
    }
  });

  const few = file('few.csv', 'a,b\n1,x\n2,y\n');
  const enough = file(
    'enough.csv',
    `a,b\n${Array.from({ length: 30 }, (_, i) => `${(i * 7) % 10},${i % 2 === 0 ? 'x' : 'y'}`).join('\n')}`,
  );
  const single = file('single.csv', `a,b\n${'1,x\n2,x\n'.repeat(10)}`);
  const useless = file('useless.csv', `a,b\n${'1,x\n1,y\n'.repeat(10)}`);
  const alone = file('alone.csv', `b\n${'x\ny\n'.repeat(10)}`);
  const texts = file('texts.csv', `a,b\n${Array.from({ length: 30 }, (_, i) => `${i % 4},text ${i}`).join('\n')}`);
  const codes = file('codes.csv', `a,b\n${Array.from({ length: 12 }, (_, i) => `${i % 4},${i}`).join('\n')}`);
  const noTarget = file('no-target.csv', `a,b\n${'1,\n2,NA\n'.repeat(10)}`);
  file('empty.csv', '');
  file('header.csv', 'a,b\n');
  file('ragged.csv', 'a,b\n1,2\n3\n');
  file('quote.csv', 'a,b\n1,"2\n');
  file('binary.csv', new Uint8Array([80, 75, 3, 4, 0, 0, 1]));

  const refusals: readonly (readonly [string[], string])[] = [
    [['--alhpa', '5'], 'unknown option --alhpa; --help lists the options'],
    [['-x'], 'unknown option -x; --help lists the options'],
    [['--toString'], 'unknown option --toString; --help lists the options'],
    [['5'], 'unexpected "5"; with npm, options follow two dashes: npm start -- --alpha 5'],
    [['--alpha', 'much'], '--alpha must be a number from 0 to 1000000, not "much"'],
    [['--alpha', '-1'], '--alpha must be a number from 0 to 1000000, not "-1"'],
    [['--beta', 'NaN'], '--beta must be a number from 0 to 1000000, not "NaN"'],
    [['--joint='], '--joint must be a number from 0 to 1000000, not ""'],
    [['--alpha'], '--alpha needs a value: --alpha A'],
    [['--alpha', '--beta', '1'], '--alpha needs a value: --alpha A'],
    [['--alpha', '1', '--alpha', '2'], '--alpha is given twice'],
    [
      ['--alpha', '0', '--beta', '0', '--joint', '0'],
      '--alpha, --beta and --joint are all 0: nothing would be learned',
    ],
    [['--steps', '1.5'], '--steps must be a whole number from 1 to 1000000, not "1.5"'],
    [['--steps', '0'], '--steps must be a whole number from 1 to 1000000, not "0"'],
    [['--seed', '-1'], '--seed must be a whole number from 0 to 4294967295, not "-1"'],
    [['--ascii=yes'], '--ascii takes no value'],
    [['--target', 'b'], '--target needs --data FILE'],
    [['--data', few, '--target', 'b', '--beta', '2'], '--beta has no meaning with --data'],
    [['--data', few], '--data needs --target COLUMN; its columns: a, b'],
    [['--data', few, '--target', 'c'], 'few.csv has no column "c"; its columns: a, b'],
    [['--data', few, '--target', 'b'], 'few.csv has 2 rows with a value in "b", at least 10 are needed'],
    [['--data', noTarget, '--target', 'b'], 'no-target.csv has 0 rows with a value in "b", at least 10 are needed'],
    [['--data', 'missing.csv', '--target', 'b'], 'cannot read missing.csv: no such file'],
    [['--data', '.', '--target', 'b'], 'cannot read .: it is a directory'],
    [['--data', 'empty.csv', '--target', 'b'], 'empty.csv is empty'],
    [['--data', 'header.csv', '--target', 'b'], 'header.csv has a header and no rows'],
    [['--data', 'ragged.csv', '--target', 'b'], 'ragged.csv line 3: 1 field, the header has 2'],
    [['--data', 'quote.csv', '--target', 'b'], 'quote.csv line 2: a quote is opened and never closed'],
    [['--data', 'binary.csv', '--target', 'b'], 'binary.csv is not a text table'],
    [['--data', single, '--target', 'b'], 'single.csv has only "x" in "b", there is nothing to tell apart'],
    [
      ['--data', useless, '--target', 'b'],
      'useless.csv has no column to predict "b" from: left out column "a": all its values are equal',
    ],
    [['--data', alone, '--target', 'b'], 'alone.csv has no column to predict "b" from: it is the only column'],
    [
      ['--data', texts, '--target', 'b'],
      'texts.csv has 30 different values in 30 rows of "b": too many to learn as classes',
    ],
    [
      ['--data', codes, '--target', 'b'],
      'codes.csv has 12 different values in 12 rows of "b": too many to learn as classes, and more than 20 make a quantity',
    ],
    [['--data', enough, '--target', 'b', '--steps', '1', '--svg', '.'], `cannot write ${folder}: it is a directory`],
  ];
  it.concurrent.each(sampled(refusals, 0.3))('refuses %j', async (words, message) => {
    const { code, stdout, stderr } = await run(words);
    expect(stderr).toBe(`error: ${message}\n`);
    expect(code).toBe(1);
    if (!words.includes('--svg')) expect(stdout).toBe('');
  });
});
