/** Trains heads on the Palmer penguins and on digits, or on a table of your own: what `npm start` runs (`-- --help`: how). */
import { parseCommandLine, usage } from './cli.mjs';
import { UserError } from './errors.mjs';
import { createTerminal } from './terminal.mjs';

// a reader such as `head` may close the pipe before the end: then there is nobody left to write to
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// npm runs its scripts in the package's folder and says where it was called
const folder = (process.env.npm_lifecycle_event === 'start' && process.env.INIT_CWD) || process.cwd();

try {
  const settings = parseCommandLine(process.argv.slice(2));
  const terminal = createTerminal(process.stdout, settings);
  if (settings.help) terminal.print(usage());
  else await (await import('./run.mjs')).run(settings, terminal, folder);
} catch (error) {
  if (error instanceof UserError) console.error(`error: ${error.message.replace(/\s+/g, ' ')}`);
  else if (error?.code !== 'ERR_MODULE_NOT_FOUND') console.error(error);
  else console.error('error: lossmith is not installed and built yet; npm start does both');
  process.exitCode = 1;
}
