// The answer to a question: probabilities, labels by argmax or threshold, and the loss where targets came along.

import { bceWithLogits, componentCrossEntropy, crossEntropy, sigmoid, softmax } from 'lossmith';
import { Refusal } from './refusal.js';

/** Work and answer grow with samples × components, which a small body could otherwise make very many. */
const MAX_COMPONENTS = 32;

/**
 * Scores logits. All values of the result are numbers or { data, shape }.
 *
 * @param question - `logits`: { data, shape }; `fields`: `mode` ('softmax', one class per sample, or 'sigmoid', yes or no per
 * logit), `axis` of the classes (1; 0 for one sample alone), `labels` (softmax: the names of the classes, integers),
 * `threshold` or `thresholds` (sigmoid: 0.5; one per class), `targets` and with them any option of the loss.
 */
export function score({ logits, nested, fields }) {
  const { mode = 'softmax', axis: givenAxis, threshold, thresholds, labels, targets, ...options } = fields;
  if (mode !== 'softmax' && mode !== 'sigmoid') {
    throw new Refusal(400, `mode is ${JSON.stringify(mode)}, expected "softmax" or "sigmoid"`);
  }
  const [stray] = Object.keys(options);
  if (targets === undefined && stray !== undefined) {
    throw new Refusal(400, `${JSON.stringify(stray)} is no field, or an option of the loss, which needs targets`);
  }
  if (nested && logits.shape.join() === '0') return nothing(logits, targets);
  const view = viewOf(logits, givenAxis);
  const softly = mode === 'softmax';
  refuseFields(softly ? { threshold, thresholds } : { labels }, mode);
  const probabilities = softly ? softmax(logits, { axis: view.axis }) : sigmoid(logits);
  checkProbabilities(probabilities);
  const found = softly
    ? argmax(logits, view, readLabels(labels, view.classes))
    : atLeast(probabilities, view, readThresholds(threshold, thresholds, view.classes));
  if (targets === undefined) return { probabilities, labels: found };
  const { loss, count, componentLosses } = softly
    ? indexLoss(options)(logits, targets, { ...options, axis: view.axis, labels })
    : bceWithLogits.forward(logits, targets, options);
  return { probabilities, labels: found, loss, count, ...(componentLosses && { componentLosses }) };
}

function indexLoss({ components }) {
  if (components === undefined) return crossEntropy.forward;
  if (!(components?.length > MAX_COMPONENTS)) return componentCrossEntropy.forward;
  throw new Refusal(400, `components has ${components.length} maps, expected at most ${MAX_COMPONENTS}`);
}

/** The answer to the empty batch `[]`, whose number of classes nobody knows. */
function nothing(logits, targets) {
  const empty = { probabilities: logits, labels: logits };
  if (targets === undefined) return empty;
  if (Array.isArray(targets) && targets.length === 0) return { ...empty, loss: Number.NaN, count: 0 };
  throw new Refusal(400, 'targets came without logits, expected []');
}

/** The logits as [outer, classes, inner]. */
function viewOf({ shape }, given) {
  const rank = shape.length;
  if (rank === 0) throw new Refusal(400, 'logits is one number, expected an array');
  const axis = given ?? (rank === 1 ? 0 : 1);
  const shown = `[${shape.join(', ')}]`;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new Refusal(
      400,
      `axis is ${JSON.stringify(axis)}, expected an integer from ${-rank} to ${rank - 1} for ${shown}`,
    );
  }
  const at = axis < 0 ? axis + rank : axis;
  const classes = shape[at];
  if (classes === 0) throw new Refusal(400, `logits ${shown} have no class along axis ${axis}`);
  const inner = shape.slice(at + 1).reduce((product, size) => product * size, 1);
  return { axis: at, classes, inner };
}

function refuseFields(fields, mode) {
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) throw new Refusal(400, `${name} does not go with mode "${mode}"`);
  }
}

/** A row with NaN or +Infinity, or of −Infinity alone, has no softmax; float32 makes Infinity of numbers above 3.4e38. */
function checkProbabilities({ data }) {
  const at = data.findIndex(Number.isNaN);
  if (at < 0) return;
  throw new Refusal(
    400,
    `logits give no probability for value ${at}: its row holds NaN or Infinity, or -Infinity alone`,
  );
}

function readLabels(labels, classes) {
  if (labels === undefined) return undefined;
  const legal = Array.isArray(labels) && labels.every(Number.isSafeInteger) && new Set(labels).size === classes;
  if (legal && labels.length === classes) return labels;
  throw new Refusal(400, `labels do not name the classes, expected ${classes} distinct integers`);
}

/** The threshold of a class. */
function readThresholds(threshold, thresholds, classes) {
  if (thresholds === undefined) {
    const value = threshold ?? 0.5;
    if (isUnit(value)) return () => value;
    throw new Refusal(400, `threshold is ${JSON.stringify(value)}, expected a number in [0, 1]`);
  }
  if (threshold !== undefined) throw new Refusal(400, 'threshold and thresholds exclude each other');
  const legal = Array.isArray(thresholds) && thresholds.length === classes && thresholds.every(isUnit);
  if (legal) return (c) => thresholds[c];
  throw new Refusal(400, `thresholds do not fit the classes, expected ${classes} numbers in [0, 1]`);
}

const isUnit = (value) => typeof value === 'number' && value >= 0 && value <= 1;

/** The first class with the largest logit; of the logits, since probabilities may round to the same number. */
function argmax({ data, shape }, { axis, classes, inner }, labels) {
  const found = new Float64Array(data.length / classes);
  for (let i = 0; i < found.length; i++) {
    const start = Math.floor(i / inner) * classes * inner + (i % inner);
    let best = 0;
    for (let c = 1; c < classes; c++) if (data[start + c * inner] > data[start + best * inner]) best = c;
    found[i] = labels ? labels[best] : best;
  }
  return { data: found, shape: shape.toSpliced(axis, 1) };
}

/** 1 where the probability reaches the threshold of its class, else 0. */
function atLeast({ data, shape }, { classes, inner }, thresholdOf) {
  const found = Uint8Array.from(data, (p, i) => (p >= thresholdOf(Math.floor(i / inner) % classes) ? 1 : 0));
  return { data: found, shape };
}
