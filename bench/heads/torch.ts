/** PyTorch on one thread, where Python has it (Debian: python3-torch; TORCH_PYTHON names another interpreter than python3). It runs in a process of its own and times itself. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Contender, Timed } from './problem.ts';

const PROGRAM = `
import sys, time, numpy, torch
torch.set_num_threads(1)
folder, n, d, c = sys.argv[1], *map(int, sys.argv[2:])
def read(name, kind, *shape):
    return torch.from_numpy(numpy.fromfile(folder + '/' + name, kind).reshape(shape))
x, w, b = read('features', 'float32', n, d), read('weight', 'float32', c, d), read('bias', 'float32', c)
t = read('target', 'int32', n).long()
for each in (x, w, b): each.requires_grad_()
for line in sys.stdin:
    start = time.perf_counter()
    for each in (x, w, b): each.grad = None
    loss = torch.nn.functional.cross_entropy(torch.nn.functional.linear(x, w, b), t)
    loss.backward()
    print((time.perf_counter() - start) * 1e3, loss.item(), flush=True)
`;

/** The interpreter that has it. */
const python = process.env.TORCH_PYTHON ?? 'python3';

/** Whether it is there. */
export const hasTorch = (): boolean => spawnSync(python, ['-c', 'import torch, numpy']).status === 0;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill();
});

export const torch: Contender = {
  name: 'PyTorch',
  async prepare({ shape, ...arrays }) {
    const folder = mkdtempSync(join(tmpdir(), 'lossmith-heads-'));
    for (const [name, array] of Object.entries(arrays)) writeFileSync(join(folder, name), array);
    const child = spawn(python, ['-c', PROGRAM, folder, ...shape.map(String)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    running.add(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const run = async (): Promise<Timed> => {
      child.stdin.write('\n');
      const { value } = await lines.next();
      const [milliseconds, loss] = String(value).split(' ').map(Number) as [number, number];
      return { milliseconds, loss };
    };
    await run(); // the files are read
    rmSync(folder, { recursive: true });
    return run;
  },
};
