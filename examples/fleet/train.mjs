// Trains a softmax head on shards: each step sends the weights out, adds the gradients of all shards in their order, and moves. Worker
// processes and this one have to arrive at the same weights, to the last bit. `node examples/fleet/train.mjs --kill 2`

import { Fleet } from './fleet.mjs';
import { readOptions, spread, withRedis } from './options.mjs';
import { startRedis } from './redis.mjs';
import { encode } from './wire.mjs';
import { gradientShard, stepOf } from './work.mjs';

const options = readOptions('train');
const [features, classes, rate] = [20, 5, 2];
const total = options.shards * options.rows;
const shards = Array.from({ length: options.shards }, (_, i) => ({
  seed: 1 + i,
  rows: options.rows,
  features,
  classes,
  total,
}));
const start = new Float32Array(classes * features);

const lossOf = (results) => results.reduce((sum, result) => sum + result.sum, 0) / total;

/** Trains with the gradients that `compute(weights, step)` gives, one result per shard. */
async function train(compute) {
  let weights = start;
  const losses = [];
  for (let step = 0; step < options.steps; step++) {
    const results = await compute(weights, step);
    losses.push(lossOf(results));
    weights = stepOf(weights, results, rate);
  }
  return { weights, losses };
}

await withRedis(startRedis, async (redis) => {
  const fleet = new Fleet(redis.url, { patience: 1000 * options.patience });
  const all = options.steps * shards.length;
  const killing = spread(options.kill, all, async () => {
    if (await fleet.kill()) console.log('a worker was killed with a shard in its hands');
  });
  const restarting = spread(redis.restart ? options.restart : 0, all, async () => {
    await redis.restart();
    console.log('Redis was killed and started again');
  });
  let pending = Promise.resolve();
  try {
    fleet.start(options.workers);
    const together = await train((weights, step) =>
      fleet.run(
        'gradient',
        shards.map((shard) => ({ shard, weights })),
        {
          run: `step-${step}`,
          twice: (i) => i < options.twice,
          onProgress: (done) => {
            const soFar = step * shards.length + done;
            pending = pending.then(() => killing(soFar)).then(() => restarting(soFar));
          },
        },
      ),
    );
    await pending;
    const alone = await train((weights) => shards.map((shard) => gradientShard(shard, weights)));
    for (const [step, loss] of together.losses.entries()) console.log(`step ${step}  loss ${loss.toFixed(6)}`);
    const equal = encode(together) === encode(alone);
    console.log(equal ? 'equal to one process, to the last bit' : 'NOT equal to one process');
    if (!equal) process.exitCode = 1;
  } finally {
    await fleet.stop();
  }
});
