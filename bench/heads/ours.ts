import type { Tier } from '../../src/index.ts';
import { createEngine } from '../../src/threads/index.ts';
import type { Contender } from './problem.ts';

interface Settings {
  readonly threads?: number;
  readonly grads?: readonly ('weight' | 'bias' | 'input')[];
}

/** A prepared step on tensors of an engine. */
export const ours = (name: string, tier: Tier, { threads = 1, grads }: Settings = {}): Contender => ({
  name,
  async prepare({ shape: [n, d, c], features, weight, bias, target }) {
    const engine = createEngine({ tier, threads });
    await engine.ready;
    if (engine.tier !== tier) throw new Error(`tier '${tier}': this runtime has '${engine.tier}'`);
    if (engine.threads !== threads) throw new Error(`${threads} threads: this runtime has ${engine.threads}`);
    const parameters = { weight: engine.from(weight, [c, d]), bias: engine.from(bias) };
    const all = { weight: engine.tensor([c, d]), bias: engine.tensor([c]), input: engine.tensor([n, d]) };
    const out = grads ? Object.fromEntries(grads.map((grad) => [grad, all[grad]])) : all;
    const options = { out, ...(grads && { grads }) };
    const x = engine.from(features, [n, d]);
    return engine.crossEntropy.linear.prepare(x, parameters, engine.from(target), options);
  },
});
