/** Starts the processes that cases run in, and ends those that hang. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { campaignOf } from '../campaigns/index.ts';
import type { Report } from '../run.ts';
import type { Answer, Order, State } from './child.ts';

/** A function of one relaxed instruction: valid where the runtime knows it without a flag. */
const relaxedProbe = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 128, 2, 11],
);
const relaxed = WebAssembly.validate(relaxedProbe) ? [] : ['--experimental-wasm-relaxed-simd'];

/** How an order ended. `ended`: the process did not live to answer. */
export interface Outcome {
  readonly answer: Answer;
  readonly ended?: { readonly report: Report; readonly index: number };
}

const LOOK_EVERY = 250;

export class Parent {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** One file of the child, so that it starts quickly and the text of its functions is plain JavaScript. */
  static async start(): Promise<Parent> {
    const folder = mkdtempSync(join(tmpdir(), 'lossmith-fuzz-'));
    await build({
      entryPoints: [fileURLToPath(new URL('child.ts', import.meta.url))],
      outfile: join(folder, 'child.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      logLevel: 'error',
    });
    return new Parent(folder);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #state(): State | undefined {
    try {
      return JSON.parse(readFileSync(join(this.#folder, 'state.json'), 'utf8')) as State;
    } catch {
      // between two writes there is none
      return undefined;
    }
  }

  /** Runs an order to its end, which comes soon where a case hangs. */
  async run(order: Omit<Order, 'state'>): Promise<Outcome> {
    const campaign = campaignOf(order.campaign);
    const { line, how, errors, hung } = await this.#spawn(order, campaign.limit);
    if (line.startsWith('{')) return { answer: JSON.parse(line) as Answer };
    const state = this.#state();
    if (state === undefined)
      throw new Error(`the process of ${order.campaign} ended with ${how}: ${errors.slice(-3000)}`);
    const check = hung ? `hangs for ${campaign.limit} s` : 'ends the process';
    const detail = hung ? 'it had to be ended' : `${how}: ${/FATAL.*/i.exec(errors)?.[0] ?? errors.slice(-200)}`;
    const report: Report = {
      campaign: order.campaign,
      check,
      message: `${check}: ${detail}`,
      code: await this.#show(order, state.draw),
      features: [...campaign.gist(state.draw)],
      draw: state.draw,
      seed: order.budget.seed,
      path: '',
    };
    return { answer: { reports: [report], counts: state.counts }, ended: { report, index: state.index } };
  }

  /** A draw as code, by a process of its own. */
  async #show(order: Omit<Order, 'state'>, draw: unknown): Promise<string> {
    const { line } = await this.#spawn({ ...order, show: draw }, campaignOf(order.campaign).limit);
    const code = line.startsWith('{') ? (JSON.parse(line) as Answer).code : undefined;
    return code ?? `// ${JSON.stringify(draw)}`;
  }

  async #spawn(order: Omit<Order, 'state'>, limit: number) {
    const file = join(this.#folder, 'state.json');
    rmSync(file, { force: true });
    const full: Order = { ...order, state: file };
    const flags = ['--expose-gc', '--max-old-space-size=8192', ...relaxed];
    const child = spawn(process.execPath, [...flags, join(this.#folder, 'child.mjs')], { stdio: 'pipe' });
    child.stdin.end(JSON.stringify(full));
    let hung = false;
    let last = 0;
    let looks = 0;
    const watch = setInterval(() => {
      const at = this.#state()?.at ?? 0;
      looks = at === last ? looks + 1 : 0;
      last = at;
      // looks are counted, not seconds: a machine that sleeps hangs nobody
      if (at === 0 || looks * LOOK_EVERY < 1000 * limit) return;
      hung = true;
      child.kill('SIGKILL');
    }, LOOK_EVERY);
    const exit = new Promise<string>((resolve) => {
      child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    const [output, errors, how] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
    clearInterval(watch);
    return { line: output.trimEnd().split('\n').at(-1) ?? '', how, errors, hung };
  }
}
