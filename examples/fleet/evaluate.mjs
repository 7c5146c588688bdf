// Evaluates a model on shards of a large set: perplexity, calibration, F1 and PSP@3, by worker processes and then by this one, which
// have to agree to the last bit. `node examples/fleet/evaluate.mjs --kill 2 --twice 3 --restart 1`

import { propensities } from 'lossmith/decide';
import { random as randomOf } from '../penguins/random.mjs';
import { Fleet } from './fleet.mjs';
import { readOptions, spread, withRedis } from './options.mjs';
import { startRedis } from './redis.mjs';
import { encode } from './wire.mjs';
import { evaluateShard, mergeEvaluations } from './work.mjs';

const options = readOptions('evaluate');
const labels = 60;
const random = randomOf(99);
const counts = Array.from({ length: labels }, () => Math.floor(1000 * random() ** 4));
// computed once: logarithms of another machine may differ in their last bit
const p = propensities(counts, 1000);
const shards = Array.from({ length: options.shards }, (_, i) => ({
  seed: 1000 + i,
  rows: options.rows,
  vocabulary: 200,
  labels,
  propensities: p,
}));

await withRedis(startRedis, async (redis) => {
  const fleet = new Fleet(redis.url, { patience: 1000 * options.patience });
  const killing = spread(options.kill, shards.length, async () => {
    if (await fleet.kill()) console.log('a worker was killed with a shard in its hands');
  });
  const restarting = spread(redis.restart ? options.restart : 0, shards.length, async () => {
    await redis.restart();
    console.log('Redis was killed and started again');
  });
  let pending = Promise.resolve();
  try {
    fleet.start(options.workers);
    const started = performance.now();
    const results = await fleet.run(
      'evaluate',
      shards.map((shard) => ({ shard })),
      {
        run: 'evaluation',
        twice: (i) => i < options.twice,
        onProgress: (done) => {
          pending = pending.then(() => killing(done)).then(() => restarting(done));
        },
      },
    );
    await pending;
    const seconds = (performance.now() - started) / 1000;
    const fleetTotal = mergeEvaluations(results);
    const alone = mergeEvaluations(shards.map(evaluateShard));
    if (options.twice > 0) console.log(`${options.twice} shards were delivered twice`);
    console.log(`${shards.length} shards, ${fleetTotal.perplexity.count} rows, ${seconds.toFixed(1)} s`);
    console.log(`perplexity ${fleetTotal.perplexity.perplexity.toFixed(4)}`);
    console.log(`ECE        ${fleetTotal.calibration.ece.toFixed(4)}`);
    console.log(`macro F1   ${fleetTotal.f1.f1.toFixed(4)}`);
    console.log(`PSP@3      ${fleetTotal.psp.pspAtK.toFixed(4)}`);
    const equal = encode(fleetTotal) === encode(alone);
    console.log(equal ? 'equal to one process, to the last bit' : 'NOT equal to one process');
    if (!equal) process.exitCode = 1;
  } finally {
    await fleet.stop();
  }
});
