import { createEngine, type Tier } from '../../src/index.ts';
import type { Contender } from './problem.ts';

/** A prepared step on tensors of an engine. */
export const ours = (name: string, tier: Tier): Contender => ({
  name,
  prepare({ shape: [n, d, c], features, weight, bias, target }) {
    const engine = createEngine({ tier });
    if (engine.tier !== tier) throw new Error(`tier '${tier}': this runtime has '${engine.tier}'`);
    const parameters = { weight: engine.from(weight, [c, d]), bias: engine.from(bias) };
    const out = { weight: engine.tensor([c, d]), bias: engine.tensor([c]), input: engine.tensor([n, d]) };
    return engine.crossEntropy.linear.prepare(engine.from(features, [n, d]), parameters, engine.from(target), { out });
  },
});
