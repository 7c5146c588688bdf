/** The page that runs the probe in a browser, as files. */
import { pageOf, readPosted } from './browser/page.ts';
import { bundleProbe } from './bundle.ts';
import type { Report } from './types.ts';

/** The policy of a page allows eval or not: whether it is in force shows in what it forbids. */
const main = `
import { report } from './probe.js';

const evalAllowed = () => {
  try {
    return new Function('return true')();
  } catch {
    return false;
  }
};
fetch('/report', { method: 'POST', body: JSON.stringify({ ...report(), evalAllowed: evalAllowed() }) });
`;

/** The files of the page by their paths; `specifier` is where the probe finds the package. */
export const pageFiles = async (specifier: string): Promise<Readonly<Record<string, string>>> => ({
  ...pageOf('lossmith probe', '/main.js'),
  '/main.js': main,
  '/probe.js': await bundleProbe({ format: 'esm', specifier, host: 'export' }),
});

export interface PageReport extends Report {
  readonly evalAllowed: boolean;
}

/** What the page posted. */
export const readReport = (text: string): PageReport => readPosted<PageReport>(text);
