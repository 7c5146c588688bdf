/**
 * A page that runs a script and posts what comes of it: a script before it reports what goes wrong. No script is inline, so
 * that a content security policy can forbid that.
 */

/** Modules that cannot be fetched, parsed or run end here; so does a report that cannot be sent. */
const errors = `
const send = (error) => fetch('/report', { method: 'POST', body: JSON.stringify({ error }) });
// the event of an element that could not load has no message and does not bubble
addEventListener('error', ({ message, target }) => send(message ?? target.src + ' did not load'), true);
addEventListener('unhandledrejection', ({ reason }) => send(String(reason)));
`;

/** The files of the page by their paths, but for its script, a module at `script`. */
export const pageOf = (title: string, script: string): Readonly<Record<string, string>> => ({
  '/index.html': `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>${title}</title>
    <link rel="icon" href="data:,">
    <script src="/errors.js"></script>
    <script type="module" src="${script}"></script>
  </head>
</html>
`,
  '/errors.js': errors,
});

/** What the page posted, or the error that it met. */
export function readPosted<R extends object>(text: string): R {
  const posted = JSON.parse(text) as R | { readonly error: string };
  if ('error' in posted) throw new Error(`the page reports: ${posted.error}`);
  return posted;
}
