/**
 * docs/runtimes.md, followed to the letter: its files are put into a project with the packed package, its
 * lines are run there, its pages are opened, its worker is asked, and what comes out is what the page says.
 *
 * Lines that begin with `npm install` are left out: the project has what they install. Whatever else stands in a block has to
 * belong to a test, or the last test fails.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findWorkerd, startWorker } from './edge-worker/example.ts';
import { type Block, promised, readPage } from './readme/page.ts';
import { bundlers, look, makeUser, missingFor, type User } from './readme/user.ts';
import { type BrowserName, missingBrowser } from './runtimes/browser/browser.ts';
import { browserRows } from './runtimes/browsers.ts';
import { notInstalled } from './runtimes/installed.ts';
import { serverRows } from './runtimes/rows.ts';
import { inTurn, type Turn, where } from './runtimes/where.ts';

const { blocks, prose } = readPage('runtimes.md');
const files = new Map(blocks.flatMap((block) => (block.file === undefined ? [] : [[block.file, block.text]])));
const ofLanguage = (language: string): Block[] => blocks.filter((block) => block.language === language);

const lines = ofLanguage('sh')
  .flatMap(({ text }) => text.trim().split('\n'))
  .filter((line) => !line.startsWith('npm install '));

/** The files that a test makes use of. */
const used = new Set<string>();

/** Text, and the text of the files that it names, and so on. */
function withFiles(text: string, seen = new Set<string>()): string {
  const named = [...files.keys()].filter((file) => {
    const name = file.replaceAll('.', '\\.');
    return !seen.has(file) && new RegExp(`(?<![\\w.-])${name}(?!\\w)`).test(text);
  });
  for (const file of named) {
    seen.add(file);
    used.add(file);
  }
  return [text, ...named.map((file) => withFiles(files.get(file)!, seen))].join('\n');
}

/** What a text promises to print, show or answer; a page that promises nothing is at fault. */
function need(promise: string | undefined, what: string): string {
  if (promise === undefined) throw new Error(`docs/runtimes.md does not say what comes of: ${what}`);
  return promise;
}

let user: User;
beforeAll(async () => {
  user = await makeUser();
  for (const [file, text] of files) writeFileSync(join(user.folder, file), text);
}, 60_000);
afterAll(() => user?.remove());

/** Runs a bundle where nothing but itself can be imported. */
async function runAlone(bundle: string): Promise<string> {
  await copyFile(join(user.folder, bundle), join(user.outside, bundle));
  return user.shell(`node ${bundle}`, user.outside);
}

async function follow(line: string): Promise<void> {
  const bundle = line.includes('bundle.mjs') ? 'bundle.mjs' : undefined;
  if (bundle) rmSync(join(user.folder, bundle), { force: true });
  const printed = await user.shell(line, user.folder);
  // tsc has nothing to say where all is well
  if (!bundle && !line.startsWith('npx tsc ')) expect(printed).toBe(need(promised('prints', line), line));
  if (bundle) {
    const sameFile = lines.find((other) => other.startsWith('node main.mjs'));
    expect(await runAlone(bundle)).toBe(need(promised('prints', sameFile ?? ''), 'node main.mjs'));
  }
}

/** What each page shows, and that a policy is in force where it has one. */
async function expectPages(browser: BrowserName, folder: string, pages: readonly string[]): Promise<void> {
  const expected = pages.map((page) => ({
    text: need(promised('shows', withFiles(files.get(page)!)), page),
    guarded: files.get(page)!.includes('Content-Security-Policy'),
  }));
  expect(await look(browser, folder, pages)).toEqual(expected);
}

describe('lines', () => {
  const bundled: Turn[] = [];
  for (const line of lines) {
    withFiles(line);
    const turn: Turn = { missing: missingFor(line), name: line, run: () => follow(line) };
    if (line === 'npx vite build') continue;
    // what a bundler needs seconds for
    if (bundlers.some((name) => line.includes(name))) bundled.push(turn);
    else where(turn.missing, line, turn.run);
  }

  const vite: Turn = {
    missing: missingFor('vite') ?? missingBrowser('chromium'),
    name: 'npx vite build, the page in Chromium',
    run: async () => {
      expect(lines).toContain('npx vite build');
      await user.shell('npx vite build', user.folder);
      await expectPages('chromium', join(user.folder, 'dist'), ['index.html']);
    },
  };
  inTurn('bundlers of docs/runtimes.md', [...bundled, vite], 1);
});

describe('pages', () => {
  const pages = ofLanguage('html').flatMap(({ file }) => file ?? []);
  for (const page of pages) withFiles(page);

  const tried = (['chromium', 'firefox', 'webkit'] as const).map((browser) => ({
    missing: missingBrowser(browser),
    name: `${pages.join(', ')} in ${browser}`,
    run: () => expectPages(browser, user.folder, pages),
  }));
  inTurn('pages of docs/runtimes.md', tried);
});

describe('the worker', () => {
  const settings = withFiles('wrangler.toml');
  const setting = (name: string): string => need(new RegExp(`^${name} = "(.+)"$`, 'm').exec(settings)?.[1], name);

  for (const compatibilityDate of new Set([setting('compatibility_date'), '2026-11-01'])) {
    const lacking = findWorkerd() === undefined ? notInstalled('workerd') : undefined;
    where(lacking, `in workerd, compatibility date ${compatibilityDate}`, async () => {
      const worker = await startWorker({ entry: join(user.folder, setting('main')), compatibilityDate });
      try {
        const answer = await fetch(worker.address, { signal: AbortSignal.timeout(30_000) });
        expect(await answer.text()).toBe(need(promised('answers', settings), setting('main')));
      } finally {
        await worker.stop();
      }
    });
  }
});

describe('what the page says of versions', () => {
  const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
  const { dependencies } = JSON.parse(read('.ci/runtimes/package.json')) as { dependencies: Record<string, string> };
  const table = prose.filter((line) => /^\| .* \| (scalar|simd|relaxed) \|$/.test(line));

  /** Rows of the suite of runtimes as the table writes them: `Node` and `22`, `workerd` and a date, `Firefox` alone. */
  const tested = [...serverRows(), ...browserRows()]
    .filter(({ name }) => !/bundle|build|development|esbuild/.test(name))
    .map(({ name, tier }) => {
      const program = name.split(/\W/)[0]!;
      const version = dependencies[program.toLowerCase()]?.split('.').slice(0, 2).join('.');
      const detail = /^Node (\d+)/.exec(name)?.[1] ?? /\d{4}-\d\d-\d\d/.exec(name)?.[0] ?? version ?? '';
      return { program: program.toLowerCase(), detail, tier };
    });

  test('the table holds every runtime that is tested, with its tier', () => {
    const absent = tested.filter(
      ({ program, detail, tier }) =>
        !table.some((row) => {
          const words = row.toLowerCase();
          return words.includes(`| ${tier} |`) && words.includes(program) && words.includes(detail);
        }),
    );
    expect(absent).toEqual([]);
    expect(tested.length).toBeGreaterThan(10);
  });

  test('the oldest TypeScript is the one that the package is checked with', () => {
    const [, oldest] = /^const OLDEST = '(\d+\.\d+)\.\d+';$/m.exec(read('.ci/package.mjs')) ?? [];
    expect(prose.join('\n')).toContain(`TypeScript ${oldest} or later`);
  });
});

test('every block of the page belongs to a test', () => {
  const left = blocks.filter(({ language, file }) => (file === undefined ? language !== 'sh' : !used.has(file)));
  expect(left.map(({ file, line }) => file ?? `runtimes.md:${line}`)).toEqual([]);
  const named = blocks.filter(({ file }) => file !== undefined);
  expect(new Set(named.map(({ file }) => file)).size, 'two blocks of one name').toBe(named.length);
});
