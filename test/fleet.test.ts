/** The fleet example on a real Redis: workers killed, shards delivered twice, Redis restarted, and totals that stay exact. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inTurn, where } from './runtimes/where.ts';

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'examples', 'fleet');
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { REDIS_URL: _, ...rest } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, `${command}.mjs`), ...args], {
    encoding: 'utf8',
    timeout: 150_000,
    env: { ...rest, ...env },
  });
  return { status, stdout, stderr };
}

const small = ['--shards', '6', '--rows', '1000', '--workers', '2'];

const missing = hasRedis ? undefined : 'redis-server is missing: npm run runtimes, or apt install redis-server';
const lasting = { timeout: 160_000 };

describe('the fleet example', lasting, () => {
  const evaluates = (): void => {
    const result = run('evaluate', [...small, '--kill', '2', '--twice', '2', '--restart', '1']);
    expect(result.stderr).toBe('');
    expect(result.stdout).toContain('a worker was killed with a shard in its hands\n');
    expect(result.stdout).toContain('Redis was killed and started again\n');
    expect(result.stdout).toContain('6 shards, 6000 rows');
    expect(result.stdout).toContain('\nequal to one process, to the last bit\n');
    expect(result.status).toBe(0);
  };

  const trains = (): void => {
    const result = run('train', [...small, '--steps', '3', '--kill', '2', '--twice', '2', '--restart', '1']);
    expect(result.stderr).toBe('');
    expect(result.stdout).toContain('a worker was killed with a shard in its hands\n');
    expect(result.stdout).toContain('Redis was killed and started again\n');
    const losses = [...result.stdout.matchAll(/loss ([\d.]+)/g)].map((match) => Number(match[1]));
    expect(losses).toHaveLength(3);
    expect(losses[2]).toBeLessThan(losses[0] as number);
    expect(result.stdout).toContain('\nequal to one process, to the last bit\n');
    expect(result.status).toBe(0);
  };

  inTurn('the fleet example', [
    { missing, name: 'evaluates to the last bit, whatever happens to workers, shards and Redis', run: evaluates },
    { missing, name: 'trains to the last bit', run: trains },
  ]);

  where(missing, 'ends and says why where nobody works', () => {
    const result = run('evaluate', [...small, '--workers', '0', '--patience', '2']);
    expect(result.stderr).toContain(
      'evaluate: 0 of 6 shards after 2 s without progress (0 workers here, and no result)',
    );
    expect(result.status).toBe(1);
  });

  it('says where Redis is missing, what it takes, and what it does not', () => {
    const { status, stderr } = run('evaluate', small, { PATH: '' });
    expect(stderr).toContain('redis-server is missing: apt install redis-server, or set REDIS_URL');
    expect(status).toBe(1);
    expect(run('train', ['--help']).stdout).toContain('--workers   worker processes on this machine');
    expect(run('train', ['--rows', 'x']).stderr).toContain('--rows is x, expected an integer of 0 or more');
    expect(run('worker', [], { FLEET_REDIS: '' }).stderr).toContain('FLEET_REDIS is not set');
  });
});
