/** The model and its training. Losses, gradients and probabilities come from lossmith, in the memory of one engine. */
import { createEngine } from 'lossmith';
import { accuracy, largest } from '../penguins/metrics.mjs';
import { createModel, descend, forward } from '../penguins/model.mjs';
import { learningRate } from '../penguins/train.mjs';

/** The largest α and β that the sliders give. The step size suits them, and so all smaller ones. */
const LARGEST_WEIGHT = 2;

const MEASURES = 2;

export class Trainer {
  step = 0;
  #engine = createEngine();
  #birds;
  #model;
  #rate;
  #classes;
  #logits;
  #target;
  #lossStep;

  /**
   * @param {Awaited<ReturnType<typeof import('./birds.js').loadBirds>>} birds
   * @param {number[]} weights [α, β]
   */
  constructor(birds, weights) {
    const { train, components } = birds;
    this.#birds = birds;
    this.#classes = components[0].length;
    this.#logits = this.#engine.tensor([train.target.length, this.#classes]);
    this.#target = this.#engine.from(train.target);
    // each component adds at most 1/2 times its weight to the curvature along the logits
    this.#rate = learningRate({ curvature: LARGEST_WEIGHT, train, features: Array.from({ length: MEASURES }) });
    this.setWeights(weights);
    this.reset();
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
    this.#lossStep = this.#engine.componentCrossEntropy.prepare(this.#logits, this.#target, {
      components: this.#birds.components,
      weights,
    });
  }

  /** Forgets what was learnt. All weights are 0 then, so a question with weight 0 stays at equal chances. */
  reset() {
    this.step = 0;
    this.#model = createModel(MEASURES, this.#classes, 0);
    this.#model.weights.fill(0);
  }

  /**
   * Runs the loss: the gradient is in the prepared step then.
   *
   * @returns {ArrayLike<number>} the loss of each component on the training birds, overwritten by the next run
   */
  measure() {
    forward(this.#model, this.#birds.train.x, this.#logits.data);
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
    descend(this.#model, this.#birds.train.x, this.#lossStep.grad.data, this.#rate);
    this.step++;
    return losses;
  }

  /**
   * What the model makes of measurements: for each component the probabilities of its groups.
   *
   * @param {Float32Array} x [rows, 2], standardised
   * @returns {Float32Array[]} [rows, groups] each
   */
  marginals(x) {
    const rows = x.length / MEASURES;
    const logits = this.#engine.tensor([rows, this.#classes]);
    forward(this.#model, x, logits.data);
    const { data } = this.#engine.softmax(logits, { out: logits });
    const sums = this.#birds.components.map((groupOf, m) => {
      const groups = this.#birds.groups[m].length;
      const sum = new Float32Array(rows * groups);
      for (let row = 0; row < rows; row++) {
        for (let c = 0; c < this.#classes; c++) sum[row * groups + groupOf[c]] += data[row * this.#classes + c];
      }
      return sum;
    });
    logits.free();
    return sums;
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
