// What losses are compared with, in words, by the kind that a record names: what is accepted, what the mean divides by, and what
// an error says of a target that is no legal one.

const shaped = 'the shape of `input`';

/** What the second argument may be. */
const ACCEPTS = {
  classes: `class indices (\`input\` without its class axis), or class probabilities (${shaped})`,
  indices: 'class indices (`input` without its class axis)',
  sets: `sets of classes: \`{ indices, offsets }\`, or not 0 where a class is in the set (${shaped})`,
  unit: `values in [0, 1], ${shaped}`,
  labels: `values in [0, 1], ${shaped}, or \`{ indices, offsets }\` of the ones of each row`,
  signs: `−1 or 1, ${shaped}`,
  bits: `−1 or 0 against 1, ${shaped}`,
  masses: `values of 0 or more, ${shaped}`,
  real: `values, ${shaped}`,
};

function entryOf(entries, key, what) {
  const entry = entries[key];
  if (entry === undefined) throw new Error(`docs/targets.mjs does not know ${what} ${JSON.stringify(key)}`);
  return entry;
}

/** What a loss accepts as its target. */
export function accepts({ target, walk, names }) {
  const text = entryOf(ACCEPTS, target, 'the target kind');
  const limits = walk === 'group' ? text.replace('probabilities (', 'probabilities in [0, 1] (') : text;
  return limits.replaceAll('`input`', `\`${names[0]}\``);
}

/** What is counted: each has a loss of its own. */
const UNITS = { class: 'samples', row: 'rows', element: 'elements', group: 'ratios: N·C, or C per batch' };

/** What the mean divides by. */
export function denominator({ mean, walk, target, options, side }) {
  const unit = entryOf(UNITS, walk, 'the walk');
  const ignores = options.ignoreIndex || options.ignoreValue || target === 'sets';
  const kept = walk !== 'group' && ignores ? `kept ${unit}` : unit;
  const by = {
    weights: () => {
      if (walk === 'element') return `${kept}, or Σ \`weight\` of them`;
      const indices = 'Σ of the weights used (`weight` of the target × `sampleWeight`)';
      return target === 'classes' ? `indices: ${indices}; probabilities: samples, or Σ \`sampleWeight\`` : indices;
    },
    samples: () => (options.sampleWeight ? `${kept}, or Σ \`sampleWeight\` of them` : kept),
    elements: () => `${kept}, never weights`,
  };
  return `${entryOf(by, mean, 'the mean')()}${side ? '; zLoss: kept samples' : ''}`;
}

/** A call that fails, and what its error says. */
const FAILURES = {
  classes: ({ name }) => [`[[1, 2, 3]], [3]`, `${name}: target[0] is 3, outside [0, 3) (ignoreIndex -100)`],
  sets: ({ name }) => [
    `[[1, 2, 3]], { indices: [3], offsets: [0, 1] }`,
    `${name}: target.indices[0] is 3, outside [0, 3)`,
  ],
  real: ({ name, names }) => [
    `[[1, 2]], [[1], [2]]`,
    `${name}: target has shape [2, 1], expected [1, 2], the shape of ${names[0]}`,
  ],
};
FAILURES.indices = FAILURES.classes;

/** Options that a loss cannot do without, for an example. */
const NEEDED = { components: [[0, 0, 1]], variance: 1 };

/** The options without which there is no call, for an example. */
export function neededBy({ options }) {
  const keys = Object.keys(options).filter((key) => options[key].required);
  return Object.fromEntries(keys.map((key) => [key, entryOf(NEEDED, key, 'an example of the option')]));
}

/** Lines of code that call a loss with what it refuses, and what their errors say. */
export function failures(record, domains) {
  const { name, target, both, options, second } = record;
  const domain = domains[target];
  const ranged = () => {
    const wrong = [2, -1, 0].find(
      (value) => value < domain.low || value > domain.high || (domain.nonzero && value === 0),
    );
    return [`[[0.5]], [[${wrong}]]`, `${name}: target[0] is ${wrong}, outside ${domain.range}`];
  };
  const [call, says] = (FAILURES[target] ?? ranged)(record);
  const pair = second !== undefined && !(second in options);
  const given = pair ? call.replace(/^(\[\[.*?\]\])/, `{ ${record.names[0]}: $1, ${second}: [1] }`) : call;
  const needed = Object.entries(neededBy(record)).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const rest = needed.length === 0 ? '' : `, { ${needed.join(', ')} }`;
  const lines = [`${name}(${given}${rest}); // throws RangeError: ${says}`];
  if (both)
    lines.push(
      `${name}([[1.5]], [[1]]); // throws RangeError: ${name}: ${record.names[0]}[0] is 1.5, outside ${domain.range}`,
    );
  if (options.variance) {
    lines.push(
      `${name}([1], [1], { variance: -1 }); // throws RangeError: ${name}: variance[0] is -1, expected 0 or more`,
    );
  }
  return lines;
}
