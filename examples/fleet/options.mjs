// What the commands of this example take.

import { parseArgs } from 'node:util';

const NUMBERS = {
  shards: ['parts of the data', 12],
  workers: ['worker processes on this machine (0: they run elsewhere)', 3],
  rows: ['rows of a shard', 400],
  kill: ['workers to kill in the middle', 0],
  restart: ['times to kill and restart Redis in the middle', 0],
  twice: ['shards to deliver twice', 0],
  steps: ['training steps', 8],
  patience: ['seconds without progress after which to give up', 30],
};

/** Options out of the command line; prints help and ends where it is asked for or something is wrong. */
export function readOptions(command) {
  const options = Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, { type: 'string' }]));
  const help = (code, message) => {
    if (message) console.error(message);
    const lines = Object.entries(NUMBERS).map(([name, [what, value]]) => `  --${name.padEnd(9)} ${what} (${value})`);
    console.log([`node examples/fleet/${command}.mjs`, ...lines].join('\n'));
    process.exit(code);
  };
  let values;
  try {
    ({ values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } }));
  } catch (error) {
    help(1, error.message);
  }
  if (values.help) help(0);
  return Object.fromEntries(
    Object.entries(NUMBERS).map(([name, [, standard]]) => {
      const value = values[name] === undefined ? standard : Number(values[name]);
      if (!Number.isInteger(value) || value < 0)
        help(1, `--${name} is ${values[name]}, expected an integer of 0 or more`);
      return [name, value];
    }),
  );
}

/** Calls `hit(i)` for each of `times` moments that are spread over `total` results. */
export function spread(times, total, hit) {
  const moments = Array.from({ length: times }, (_, i) => Math.ceil(((i + 1) * total) / (times + 1)));
  return async (done) => {
    for (const [i, moment] of moments.entries()) if (moment === done) await hit(i);
  };
}

/** Runs a command with a Redis and ends both, whatever happens. */
export async function withRedis(start, use) {
  let redis;
  try {
    redis = await start();
    await use(redis);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  } finally {
    await redis?.stop();
  }
}
