/** Chromium under puppeteer-core, for tests that press keys and look at the screen. */
import { pathToFileURL } from 'node:url';
import { modulePath, notInstalled } from '../installed.ts';
import { browsers, chromiumArguments, missingBrowser, withProfile } from './browser.ts';

/** The part of puppeteer's Page that the tests use. */
export interface Page {
  goto(url: string): Promise<unknown>;
  click(selector: string): Promise<void>;
  focus(selector: string): Promise<void>;
  readonly keyboard: { press(key: string): Promise<void> };
  evaluate<A extends readonly unknown[], T>(run: (...args: A) => T, ...args: A): Promise<Awaited<T>>;
  waitForFunction<A extends readonly unknown[]>(
    run: (...args: A) => unknown,
    options: { timeout: number },
    ...args: A
  ): Promise<unknown>;
  setViewport(size: { width: number; height: number; deviceScaleFactor: number }): Promise<void>;
  screenshot(options: { encoding: 'base64' }): Promise<string>;
  on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void;
  on(event: 'pageerror', listener: (error: Error) => void): void;
  on(event: 'requestfailed', listener: (request: { url(): string }) => void): void;
}

interface Puppeteer {
  launch(options: object): Promise<{ newPage(): Promise<Page>; close(): Promise<void> }>;
}

function puppeteerPath(): string | undefined {
  try {
    return modulePath('puppeteer-core');
  } catch {
    return undefined;
  }
}

/** What is not installed, with how to install it. */
export const missingDriver = (): string | undefined =>
  missingBrowser('chromium') ?? (puppeteerPath() === undefined ? notInstalled('puppeteer-core') : undefined);

/** Gives an empty page to `use`; the browser ends with it. */
export async function drive<T>(use: (page: Page) => Promise<T>): Promise<T> {
  const [path, executablePath] = [puppeteerPath(), browsers.chromium.find()];
  if (path === undefined || executablePath === undefined) throw new Error(missingDriver());
  const { default: puppeteer } = (await import(pathToFileURL(path).href)) as { default: Puppeteer };
  return withProfile(async (userDataDir) => {
    const browser = await puppeteer.launch({ executablePath, userDataDir, args: chromiumArguments });
    try {
      return await use(await browser.newPage());
    } finally {
      await browser.close();
    }
  });
}
