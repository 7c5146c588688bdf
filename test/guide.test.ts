/** docs/guides/train-a-head.md, followed to the letter: its files in a project with the packed package, in Node, workerd and browsers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findWorkerd, startWorker } from './edge-worker/example.ts';
import { readPage } from './readme/page.ts';
import { look, makeUser, type User } from './readme/user.ts';
import { type BrowserName, missingBrowser } from './runtimes/browser/browser.ts';
import { notInstalled } from './runtimes/installed.ts';
import { inTurn, where } from './runtimes/where.ts';

const { blocks } = readPage('guides/train-a-head.md');
const files = new Map(blocks.flatMap(({ file, text }) => (file === undefined ? [] : [[file, text] as const])));

/** In place of a network: the pairs of letters of a text, as features of length 1. */
const backbone = `
export const embed = (texts) => {
  const data = Float32Array.from(texts.flatMap((text) => {
    const features = new Array(26 * 26).fill(0);
    const letters = [...text.toLowerCase()].map((letter) => letter.charCodeAt(0) - 97);
    letters.forEach((letter, i) => {
      if (letter >= 0 && letters[i + 1] >= 0) features[26 * letter + letters[i + 1]]++;
    });
    return features.map((value) => value / Math.hypot(...features));
  }));
  return Promise.resolve({ data, dims: [texts.length, 26 * 26], type: 'float32' });
};
`;

/** Around 1 at their label's place. */
const labels = Array.from({ length: 40 }, (_, i) => (i * 7) % 4);
const rows = labels.map((label, i) =>
  Array.from({ length: 6 }, (_, d) => Number(d === label) + Math.sin(3 * i + d) / 5),
);

let user: User;
beforeAll(async () => {
  user = await makeUser();
  for (const [file, text] of files) writeFileSync(join(user.folder, file), text);
  writeFileSync(join(user.folder, 'backbone.mjs'), backbone);
  writeFileSync(join(user.folder, 'features.json'), JSON.stringify({ features: rows, labels }));
}, 60_000);
afterAll(() => user?.remove());

/** The class with the largest probability in each row; a row adds up to 1. */
function decided(probabilities: readonly (readonly number[])[]): number[] {
  return probabilities.map((row) => {
    expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    return row.indexOf(Math.max(...row));
  });
}

describe('the guide to heads', () => {
  it.each([['page.mjs', 'index.html'], ['train.mjs'], ['worker.mjs']])(
    'needs less than 40 lines for %s',
    (...names) => {
      const lines = ['head.mjs', ...names].flatMap((name) => files.get(name)!.split('\n').slice(1));
      expect(lines.filter((line) => line.trim() !== '').length).toBeLessThan(40);
    },
  );

  const body = JSON.stringify({ features: rows });
  const answers = async (response: Response): Promise<number[]> =>
    decided(((await response.json()) as { probabilities: number[][] }).probabilities);

  it('trains in Node, and the worker knows what was learned', async () => {
    expect(await user.shell('node train.mjs', user.folder)).toMatch(/^loss 0\.0\d\d$/);
    const { default: worker } = (await import(pathToFileURL(join(user.folder, 'worker.mjs')).href)) as {
      default: { fetch(request: Request): Promise<Response> };
    };
    expect(await answers(await worker.fetch(new Request('https://worker.example/', { method: 'POST', body })))).toEqual(
      labels,
    );
  });

  where(findWorkerd() === undefined ? notInstalled('workerd') : undefined, 'answers in workerd', async () => {
    await user.shell('node train.mjs', user.folder);
    const worker = await startWorker({ entry: join(user.folder, 'worker.mjs'), compatibilityDate: '2026-11-01' });
    try {
      const signal = AbortSignal.timeout(30_000);
      expect(await answers(await fetch(worker.address, { method: 'POST', body, signal }))).toEqual(labels);
    } finally {
      await worker.stop();
    }
  });

  const tried = (['chromium', 'firefox', 'webkit'] satisfies BrowserName[]).map((browser) => ({
    missing: missingBrowser(browser),
    name: `trains in ${browser}`,
    run: async () => {
      const [page] = await look(browser, user.folder, ['index.html']);
      const [, complaint, praise] = /^complaint (\d+) %, praise (\d+) %$/.exec(page!.text) ?? [page!.text];
      expect(Number(complaint) + Number(praise)).toBe(100);
      expect(Number(complaint)).toBeGreaterThan(60);
    },
  }));
  inTurn('the page of the guide', tried, 1);
});
