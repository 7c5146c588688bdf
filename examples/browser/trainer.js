/** The head and its training. Losses, gradients and probabilities come from lossmith, in the memory of one engine. */
import { componentCrossEntropy, defaultEngine, linear } from 'lossmith';
import { accuracy, largest, marginals } from '../penguins/metrics.mjs';
import { learningRate } from '../penguins/train.mjs';

/** The largest α and β that the sliders give. The step size suits them, and so all smaller ones. */
const LARGEST_WEIGHT = 2;

const MEASURES = 2;

export class Trainer {
  step = 0;
  #engine = defaultEngine();
  #birds;
  #rate;
  #features;
  #target;
  #head;
  #lossStep;

  /**
   * @param {Awaited<ReturnType<typeof import('./birds.js').loadBirds>>} birds
   * @param {number[]} weights [α, β]
   */
  constructor(birds, weights) {
    const { train, components } = birds;
    const classes = components[0].length;
    this.#birds = birds;
    this.#features = this.#engine.from(train.x, [train.rows, MEASURES]);
    this.#target = this.#engine.from(train.target);
    // all 0, so a question with weight 0 stays at equal chances
    this.#head = { weight: this.#engine.tensor([classes, MEASURES]), bias: this.#engine.tensor([classes]) };
    // each component adds at most 1/2 times its weight to the curvature along the logits
    this.#rate = learningRate({ curvature: LARGEST_WEIGHT, train });
    this.setWeights(weights);
  }

  /** What runs: 'relaxed', 'simd' or 'scalar'. */
  get tier() {
    return this.#engine.tier;
  }

  /**
   * The weights are options, and a prepared step has its options fixed: new weights are a new step on the same tensors.
   *
   * @param {number[]} weights [α, β]
   */
  setWeights(weights) {
    this.#lossStep?.free();
    this.#lossStep = componentCrossEntropy.linear.prepare(this.#features, this.#head, this.#target, {
      components: this.#birds.components,
      weights,
      grads: ['weight', 'bias'],
    });
  }

  /** Forgets what was learnt. */
  reset() {
    this.step = 0;
    for (const parameter of Object.values(this.#head)) parameter.data.fill(0);
  }

  /**
   * Runs the loss: the gradients are in the prepared step then.
   *
   * @returns {ArrayLike<number>} the loss of each component on the training birds, overwritten by the next run
   */
  measure() {
    this.#lossStep();
    return this.#lossStep.componentLosses.data;
  }

  /**
   * One step of gradient descent on all training birds.
   *
   * @returns {ArrayLike<number>} the losses before it
   */
  train() {
    const losses = this.measure();
    for (const [name, { data }] of Object.entries(this.#head)) {
      const gradient = this.#lossStep.grad[name].data;
      for (let i = 0; i < data.length; i++) data[i] -= this.#rate * gradient[i];
    }
    this.step++;
    return losses;
  }

  /**
   * What the head makes of measurements: for each component the probabilities of its groups.
   *
   * @param {Float32Array} x [rows, 2], standardised
   * @returns {Float32Array[]} [rows, groups] each
   */
  marginals(x) {
    const logits = linear({ data: x, shape: [x.length / MEASURES, MEASURES] }, this.#head);
    return this.#birds.components.map((groupOf) => marginals(logits.data, groupOf));
  }

  /** The share of test birds with the right species, the right sex, and both. */
  scores() {
    const { components, groups, test } = this.#birds;
    const [species, sex] = this.marginals(test.x).map((sums, m) => largest(sums, groups[m].length));
    const both = species.map((group, row) => group * groups[1].length + sex[row]);
    const truth = components.map((groupOf) => test.target.map((each) => groupOf[each]));
    return {
      species: accuracy('species', species, truth[0]),
      sex: accuracy('sex', sex, truth[1]),
      both: accuracy('both', both, test.target),
    };
  }
}
