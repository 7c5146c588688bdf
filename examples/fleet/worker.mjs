// A worker process: takes shards from the queue until it is told to stop. Start as many as there are cores, on as many machines
// as there are: FLEET_REDIS is the one address that they need. `node worker.mjs`

import { Worker } from 'bullmq';
import { connect } from './redis.mjs';
import { decode, encode } from './wire.mjs';
import { evaluateShard, gradientShard } from './work.mjs';

/** What a worker can do, by the name of the job. */
const TASKS = {
  evaluate: ({ shard }) => evaluateShard(shard),
  gradient: ({ shard, weights }) => gradientShard(shard, weights),
};

const url = process.env.FLEET_REDIS;
if (!url) {
  console.error('worker: FLEET_REDIS is not set, expected the address of a Redis, e.g. redis://host:6379');
  process.exit(1);
}

// A worker that dies holds its shard for `lockDuration`; then another one takes it.
const worker = new Worker(
  process.env.FLEET_QUEUE ?? 'lossmith',
  async (job) => encode(TASKS[job.name](decode(job.data))),
  {
    connection: connect(url),
    name: String(process.pid),
    lockDuration: 2000,
    stalledInterval: 500,
    maxStalledCount: 1000,
  },
);
worker.on('error', () => {}); // it connects again by itself

const stop = () => worker.close(true).finally(() => process.exit(0));
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
