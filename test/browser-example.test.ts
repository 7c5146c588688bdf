/**
 * The browser example: its page is driven in Chromium by keys and clicks, and a screenshot shows what the training drew.
 * In Firefox and WebKit a script in the frame around the page does the same without the screenshot.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type BrowserName, missingBrowser, visit } from './runtimes/browser/browser.ts';
import { drive, missingDriver, type Page } from './runtimes/browser/driver.ts';
import { serve } from './runtimes/browser/server.ts';
import { inTurn } from './runtimes/where.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Longer than any wait takes on a busy machine; the test runner stops first. */
const timeout = 50_000;

type Colour = readonly number[];

/** What the page shows as text: the outputs by id, numbers as such. */
const outputs = (page: Page): Promise<Record<string, number>> =>
  page.evaluate(() =>
    Object.fromEntries([...document.querySelectorAll('output')].map(({ id, value }) => [id, Number.parseFloat(value)])),
  );

/** Trains until that step, at least, then pauses. */
async function trainTo(page: Page, step: number): Promise<Record<string, number>> {
  await page.click('#run');
  await page.waitForFunction(
    (last) => Number(document.querySelector<HTMLOutputElement>('#step')?.value) >= last,
    { timeout },
    step,
  );
  await page.click('#run');
  return outputs(page);
}

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue, counted from the top left corner. */
  at(x: number, y: number): Colour;
}

/** A screenshot, cut to one element; the page itself decodes it. */
async function pictureOf(page: Page, selector: string): Promise<Picture> {
  const shot = await page.screenshot({ encoding: 'base64' });
  const { width, height, text } = await page.evaluate(
    async (png, selected) => {
      const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
      const box = document.querySelector(selected)!.getBoundingClientRect();
      const [width, height] = [Math.round(box.width), Math.round(box.height)];
      const context = new OffscreenCanvas(width, height).getContext('2d')!;
      context.drawImage(bitmap, -Math.round(box.x), -Math.round(box.y));
      const { data } = context.getImageData(0, 0, width, height);
      // a list of so many numbers would be slow to hand over
      return { width, height, text: btoa(Array.from(data, (value) => String.fromCharCode(value)).join('')) };
    },
    shot,
    selector,
  );
  const bytes = Buffer.from(text, 'base64');
  const at = (x: number, y: number): Colour => [...bytes.subarray(4 * (y * width + x)).subarray(0, 3)];
  return { width, height, at };
}

/** The cross entropy of equal chances, to the digits that the page shows. */
const guessing = (groups: number): number => Number(Math.log(groups).toFixed(3));

const close = (a: Colour, b: Colour, most: number): boolean => a.every((value, k) => Math.abs(value - b[k]!) <= most);

/** Places in the plane of the picture where no bird is, as shares of its canvas, and the region that belongs there. */
const places = [
  { x: 0.12, y: 0.06, region: 'Adelie, male' },
  { x: 0.1, y: 0.4, region: 'Adelie, female' },
  { x: 0.94, y: 0.06, region: 'Chinstrap, male' },
  { x: 0.94, y: 0.8, region: 'Gentoo, male' },
  { x: 0.55, y: 0.89, region: 'Gentoo, female' },
] as const;

/** The colours in the legend, by its words. */
const legend = (page: Page): Promise<Record<string, Colour>> =>
  page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll('#legend li')].map((item) => {
        const { backgroundColor } = getComputedStyle(item.querySelector('.swatch')!);
        return [item.textContent, (backgroundColor.match(/\d+/g) ?? []).map(Number)];
      }),
    ),
  );

async function regionsAt(page: Page): Promise<Colour[]> {
  const { width, height, at } = await pictureOf(page, '#regions');
  return places.map(({ x, y }) => at(Math.round(x * width), Math.round(y * height)));
}

/** Where the curve of a colour runs: the mean height of its pixels, from the top, in the columns that have any. */
async function curveOf(page: Page, colour: Colour): Promise<number[]> {
  const { width, height, at } = await pictureOf(page, '#curve');
  return Array.from({ length: width }, (_, x) => {
    const rows = Array.from({ length: height }, (_, y) => y).filter((y) => close(at(x, y), colour, 40));
    return rows.reduce((sum, y) => sum + y, 0) / rows.length;
  }).filter((y) => !Number.isNaN(y));
}

const blue = [28, 95, 176];
const red = [200, 30, 91];

describe('the browser example', () => {
  let server: ChildProcess;
  let url: string;
  beforeAll(async () => {
    const env = { ...process.env, PORT: '0' };
    server = spawn(process.execPath, ['examples/browser/serve.mjs'], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface(server.stdout!), 'line');
    url = /http:\S+/.exec(line)![0];
  });
  afterAll(() => server.kill());

  /** The page in Chromium, loaded; nothing may go wrong on it. */
  const onPage = (use: (page: Page) => Promise<void>): Promise<void> =>
    drive(async (page) => {
      const wrong: string[] = [];
      page.on('console', (message) => message.type() === 'log' || wrong.push(message.text()));
      page.on('pageerror', (error) => wrong.push(error.message));
      page.on('requestfailed', (request) => wrong.push(request.url()));
      await page.setViewport({ width: 1200, height: 820, deviceScaleFactor: 1 });
      await page.goto(url);
      await page.waitForFunction(() => document.querySelector('#run:enabled'), { timeout });
      await use(page);
      expect(wrong).toEqual([]);
    });

  const draws = (): Promise<void> =>
    onPage(async (page) => {
      const status = await page.evaluate(() => document.querySelector('#status')?.textContent);
      expect(status).toBe('333 birds, 250 to train and 83 to test. lossmith runs its relaxed kernels.');
      const before = await regionsAt(page);
      expect(before.every((colour) => close(colour, before[0]!, 0))).toBe(true);
      expect(await curveOf(page, blue)).toEqual([]);
      const early = await outputs(page);
      expect(early).toMatchObject({ step: 0, 'loss-species': guessing(3), 'loss-sex': guessing(2) });

      const late = await trainTo(page, 600);
      expect(late['loss-species']).toBeLessThan(0.14);
      expect(late['loss-sex']).toBeLessThan(0.45);
      expect(late['accuracy-species']).toBeGreaterThan(90);
      expect(late['accuracy-sex']).toBeGreaterThan(80);
      expect(late['accuracy-both']).toBeGreaterThan(75);
      // a paused page draws and learns no more
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      expect((await outputs(page)).step).toBe(late.step);

      const colours = await legend(page);
      const after = await regionsAt(page);
      const misplaced = places.filter(({ region }, i) => !close(after[i]!, colours[region]!, 12));
      expect(misplaced).toEqual([]);
      for (const colour of [blue, red]) {
        const curve = await curveOf(page, colour);
        expect(curve.length).toBeGreaterThan(200);
        expect(curve.at(-1)).toBeGreaterThan(curve[0]! + 10);
      }
    });

  const listens = (): Promise<void> =>
    onPage(async (page) => {
      const set = async (slider: string, key: 'Home' | 'End'): Promise<void> => {
        await page.focus(`#${slider}`);
        await page.keyboard.press(key);
      };
      await set('beta', 'Home');
      const species = await trainTo(page, 400);
      expect(species).toMatchObject({ 'alpha-value': 1, 'beta-value': 0 });
      expect(species['loss-species']).toBeLessThan(0.2);
      expect(species['accuracy-species']).toBeGreaterThan(90);
      expect(species['loss-sex']).toBeCloseTo(guessing(2), 2);
      expect(species['accuracy-sex']).toBeLessThan(60);

      // on the way: the sex is learnt as well from here on
      await set('beta', 'End');
      const both = await trainTo(page, species.step! + 400);
      expect(both['loss-sex']).toBeLessThan(0.55);

      await page.click('#reset');
      expect((await outputs(page)).step).toBe(0);
      await set('alpha', 'Home');
      const sex = await trainTo(page, 400);
      expect(sex).toMatchObject({ 'alpha-value': 0, 'beta-value': 2 });
      expect(sex['loss-sex']).toBeLessThan(0.55);
      expect(sex['loss-species']).toBeCloseTo(guessing(3), 2);
      expect(sex['accuracy-species']).toBeLessThan(60);
    });

  const framed = (['firefox', 'webkit'] satisfies BrowserName[]).map((name) => ({
    missing: missingBrowser(name),
    name: `trains in ${name}`,
    run: async () => {
      const texts = {
        '/index.html':
          '<!doctype html><iframe src="/browser/" width="1200" height="820"></iframe><script src="/drive.js"></script>',
        '/drive.js': `(${driveFrame})().then((found) => fetch('/report', { method: 'POST', body: JSON.stringify(found) }));`,
        '/lossmith/index.js': await readFile(`${root}dist/index.js`, 'utf8'),
        '/data/penguins.json': await readFile(`${root}node_modules/vega-datasets/data/penguins.json`, 'utf8'),
      };
      const site = await serve({ folder: `${root}examples`, texts });
      try {
        const found = JSON.parse(await visit(name, site.url, site.report));
        expect(found.status).toMatch(/^333 birds, .* (simd|relaxed) kernels\.$/);
        expect(found.species).toBeLessThan(0.25);
        expect(found.sex).toBeLessThan(0.55);
        expect(found.colours).toBeGreaterThan(20);
      } finally {
        await site.close();
      }
    },
  }));
  const missing = missingDriver();
  inTurn(
    'the browser example',
    [
      { missing, name: 'trains and draws what it learns', run: draws },
      { missing, name: 'learns only the part that α and β ask for', run: listens },
      ...framed,
    ],
    2,
  );
});

/** Runs in the page around the example: trains 200 steps and says what the example shows. */
async function driveFrame(): Promise<object> {
  const frame = document.querySelector('iframe')!;
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => (holds() ? resolve() : void setTimeout(look, 50));
      look();
    });
  const inside = <E extends HTMLElement>(selector: string): E | null | undefined =>
    frame.contentDocument?.querySelector<E>(selector);
  const number = (id: string): number => Number(inside<HTMLOutputElement>(`#${id}`)?.value);
  await until(() => inside('#run:enabled') != null || /not work/.test(inside('#status')?.textContent ?? ''));
  inside('#run')?.click();
  await until(() => number('step') >= 200);
  const canvas = inside<HTMLCanvasElement>('#regions')!;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  return {
    status: inside('#status')?.textContent,
    species: number('loss-species'),
    sex: number('loss-sex'),
    colours: new Set(new Uint32Array(data.buffer)).size,
  };
}
