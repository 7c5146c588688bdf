// A queue, worker processes, and results that are taken once each, whatever happens on the way.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { connect } from './redis.mjs';
import { decode, encode } from './wire.mjs';

const WORKER = fileURLToPath(new URL('./worker.mjs', import.meta.url));

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A promise that fails where another one takes too long; the caller tries again. */
function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Fleet {
  #url;
  #client;
  #queue;
  #workers = new Set();
  #patience;
  #running = false;

  /** `patience`: milliseconds without any progress after which a run ends and says so. */
  constructor(url, { name = `lossmith-${process.pid}`, patience = 30_000 } = {}) {
    this.#url = url;
    this.#patience = patience;
    this.#client = connect(url);
    this.#queue = new Queue(name, { connection: this.#client });
    this.#queue.on('error', () => {}); // it connects again by itself
  }

  /** Starts worker processes on this machine. */
  start(count) {
    for (let i = 0; i < count; i++) this.#start();
  }

  #start() {
    const env = { ...process.env, FLEET_REDIS: this.#url, FLEET_QUEUE: this.#queue.name };
    const worker = spawn(process.execPath, [WORKER], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    this.#workers.add(worker);
    worker.once('exit', () => this.#workers.delete(worker));
  }

  /** Kills a worker that has a job in its hands, and starts another one; says whether one had before the run was over. */
  async kill() {
    while (this.#running) {
      const active = await within(2000, this.#queue.getActive()).catch(() => []);
      for (const job of active) {
        const worker = [...this.#workers].find(({ pid }) => String(pid) === job.processedBy);
        // a worker that stands still cannot finish the job between the look and the blow
        if (!worker?.kill('SIGSTOP')) continue;
        const held = await within(2000, job.isActive()).catch(() => false);
        worker.kill(held ? 'SIGKILL' : 'SIGCONT');
        if (!held) continue;
        this.#start();
        return true;
      }
      await pause(5);
    }
    return false;
  }

  /**
   * Hands out jobs and returns their results in the order of the jobs. A job is known by its number: one that is delivered twice
   * has two equal results, of which the first counts; one that was lost is handed out again. `onProgress(done)` is called after
   * each new result.
   */
  async run(name, jobs, options) {
    this.#running = true;
    try {
      return await this.#run(name, jobs, options);
    } finally {
      this.#running = false;
    }
  }

  async #run(name, jobs, { run, twice = () => false, onProgress = () => {} }) {
    const texts = new Array(jobs.length);
    const idOf = (i, copy = '') => `${run}-${i}${copy}`;
    const hand = (i, copy) =>
      this.#queue.add(name, encode(jobs[i]), { jobId: idOf(i, copy), attempts: 3, removeOnComplete: false });
    let [done, last] = [0, Date.now()];
    let faults = [];
    const take = async (i, copy) => {
      const job = await this.#queue.getJob(idOf(i, copy));
      if (!job) {
        await hand(i, copy);
        return;
      }
      if (job.failedReason && (await job.isFailed())) throw Object.assign(new Error(job.failedReason), { fatal: true });
      const text = job.returnvalue;
      if (typeof text !== 'string') return;
      if (texts[i] !== undefined && texts[i] !== text) {
        throw Object.assign(new Error(`two results of job ${idOf(i)} differ`), { fatal: true });
      }
      if (texts[i] === undefined) {
        texts[i] = text;
        done += 1;
        last = Date.now();
        onProgress(done);
      }
      if (copy !== undefined) copies.delete(i);
    };
    const copies = new Set(jobs.flatMap((_, i) => (twice(i) ? [i] : [])));
    while (done < jobs.length || copies.size > 0) {
      const open = jobs.flatMap((_, i) => [
        ...(texts[i] === undefined ? [[i]] : []),
        ...(copies.has(i) ? [[i, '-again']] : []),
      ]);
      const attempts = await Promise.allSettled(open.map((job) => within(2000, take(...job))));
      faults = attempts.flatMap(({ reason }) => (reason ? [reason] : []));
      const fatal = faults.find((fault) => fault.fatal);
      if (fatal) throw new Error(`${name}: ${fatal.message}`);
      if (Date.now() - last > this.#patience) {
        const why = faults[0]?.message ?? `${this.#workers.size} workers here, and no result`;
        throw new Error(
          `${name}: ${done} of ${jobs.length} shards after ${this.#patience / 1000} s without progress (${why})`,
        );
      }
      await pause(50);
    }
    return texts.map(decode);
  }

  /** Ends the workers and forgets the jobs. */
  async stop() {
    const gone = [...this.#workers].map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    for (const worker of this.#workers) worker.kill('SIGTERM');
    await within(3000, Promise.all(gone)).catch(() => {
      for (const worker of this.#workers) worker.kill('SIGKILL');
    });
    await within(5000, this.#queue.obliterate({ force: true })).catch(() => {});
    await within(5000, this.#queue.close()).catch(() => {});
    this.#client.disconnect(); // a queue leaves open what it was given
  }
}
