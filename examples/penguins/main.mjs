/**
 * Trains small linear models on the Palmer penguins, or on a table of your own, with the losses of lossmith.
 * `npm start -- --help` lists the options.
 */

import { parseCommandLine, usage } from './cli.mjs';
import { UserError } from './errors.mjs';
import { createTerminal } from './terminal.mjs';

/** A reader such as `head` may close the pipe before the end: then there is nobody left to write to. */
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

/** npm runs its scripts in the package's folder and says where it was called. */
const folder = (process.env.npm_lifecycle_event === 'start' && process.env.INIT_CWD) || process.cwd();

try {
  const settings = parseCommandLine(process.argv.slice(2));
  const terminal = createTerminal(process.stdout, settings);
  if (settings.help) {
    terminal.print(usage());
  } else {
    const { run } = await import('./run.mjs');
    run(settings, terminal, folder);
  }
} catch (error) {
  if (error instanceof UserError) {
    console.error(`error: ${error.message.replace(/\s+/g, ' ')}`);
  } else if (['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(/** @type {any} */ (error)?.code)) {
    console.error('error: lossmith is not installed and built yet; npm start does both');
  } else {
    console.error(error);
  }
  process.exitCode = 1;
}
