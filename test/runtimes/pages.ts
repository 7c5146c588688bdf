/**
 * The page that runs the probe in a browser, as files: a script that reports what goes wrong before the probe runs, the
 * probe, and the module that runs it. No script is inline, so that a content security policy can forbid that.
 */
import { bundleProbe } from './bundle.ts';
import type { Report } from './types.ts';

const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>lossmith probe</title>
    <link rel="icon" href="data:,">
    <script src="/errors.js"></script>
    <script type="module" src="/main.js"></script>
  </head>
</html>
`;

/** Modules that cannot be fetched, parsed or run end here; so does a report that cannot be sent. */
const errors = `
const send = (error) => fetch('/report', { method: 'POST', body: JSON.stringify({ error }) });
// the event of an element that could not load has no message and does not bubble
addEventListener('error', ({ message, target }) => send(message ?? target.src + ' did not load'), true);
addEventListener('unhandledrejection', ({ reason }) => send(String(reason)));
`;

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
  '/index.html': html,
  '/errors.js': errors,
  '/main.js': main,
  '/probe.js': await bundleProbe({ format: 'esm', specifier, host: 'export' }),
});

export interface PageReport extends Report {
  readonly evalAllowed: boolean;
}

/** What the page posted, or the error that it met. */
export function readReport(text: string): PageReport {
  const posted = JSON.parse(text) as PageReport | { readonly error: string };
  if ('error' in posted) throw new Error(`the page reports: ${posted.error}`);
  return posted;
}
