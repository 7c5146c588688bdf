import { UserError } from './errors.mjs';

/** @typedef {(text: string, flag: string) => unknown} Parse */

/** @type {Parse} */
function weight(text, flag) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1e6)) throw new UserError(`${flag} must be a number from 0 to 1000000, not "${text}"`);
  return value;
}

/**
 * @param {number} low
 * @param {number} high
 * @returns {Parse}
 */
function whole(low, high) {
  return (text, flag) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= low && value <= high)) {
      throw new UserError(`${flag} must be a whole number from ${low} to ${high}, not "${text}"`);
    }
    return value;
  };
}

/** @type {Parse} */
function name(text, flag) {
  if (text === '') throw new UserError(`${flag} needs a value`);
  return text;
}

/**
 * The options; those without `parse` are switches. `run` names the run that an option belongs to, if not both.
 *
 * @type {Record<string, { value?: string, parse?: Parse, initial?: number, run?: string, help: string }>}
 */
const OPTIONS = {
  alpha: { value: 'A', parse: weight, initial: 1, run: 'penguins', help: 'weight of the species in "species × sex"' },
  beta: { value: 'B', parse: weight, initial: 1, run: 'penguins', help: 'weight of the sex in "species × sex"' },
  joint: {
    value: 'J',
    parse: weight,
    initial: 0.5,
    run: 'penguins',
    help: 'weight of cross entropy on all six classes',
  },
  data: { value: 'FILE', parse: name, help: 'train on a table of your own: CSV with a header line' },
  target: { value: 'COLUMN', parse: name, run: 'data', help: 'the column of that table to predict' },
  steps: { value: 'N', parse: whole(1, 1_000_000), initial: 1000, help: 'steps of gradient descent' },
  seed: { value: 'N', parse: whole(0, 2 ** 32 - 1), initial: 1, help: 'split of the rows and first weights' },
  svg: { value: 'FILE', parse: name, help: 'where to write the loss curves (examples/penguins/loss.svg)' },
  ascii: { help: 'plain ASCII output' },
  help: { help: 'this text' },
};

/**
 * @typedef {object} Settings
 * @property {number} alpha
 * @property {number} beta
 * @property {number} joint
 * @property {string} [data]
 * @property {string} [target]
 * @property {number} steps
 * @property {number} seed
 * @property {string} [svg]
 * @property {boolean} [ascii]
 * @property {boolean} [help]
 */

/** What `--help` prints. */
export function usage() {
  const options = Object.entries(OPTIONS).map(([option, { value, initial, help }]) => {
    const flag = `  --${option}${value ? ` ${value}` : ''}`.padEnd(20);
    return `${flag}${help}${initial === undefined ? '' : ` (${initial})`}`;
  });
  return [
    'Trains small linear models with the losses of lossmith.',
    '',
    '  npm start                                      on the Palmer penguins, five tasks',
    '  npm start -- --alpha 5 --beta 0.2              weigh species above sex',
    '  npm start -- --data FILE.csv --target COLUMN   on a table of your own',
    '',
    'Options (default)',
    ...options,
  ].join('\n');
}

/**
 * Reads the command line: `--name value`, `--name=value` and switches.
 *
 * @param {string[]} words
 * @returns {Settings}
 */
export function parseCommandLine(words) {
  const given = new Map();
  for (let i = 0; i < words.length; i++) {
    const [flag, inline] = splitFlag(words[i]);
    const option = flag.startsWith('--') && Object.hasOwn(OPTIONS, flag.slice(2)) && OPTIONS[flag.slice(2)];
    if (!option) throw unknownWord(words[i], flag);
    if (given.has(flag.slice(2))) throw new UserError(`${flag} is given twice`);
    if (!option.parse) {
      if (inline !== undefined) throw new UserError(`${flag} takes no value`);
      given.set(flag.slice(2), true);
      continue;
    }
    const text = inline ?? words[++i];
    if (text === undefined || (inline === undefined && text.startsWith('--'))) {
      throw new UserError(`${flag} needs a value: ${flag} ${option.value}`);
    }
    given.set(flag.slice(2), option.parse(text, flag));
  }
  if (!given.has('help')) checkTogether(given);
  const initial = Object.entries(OPTIONS).flatMap(([option, each]) =>
    'initial' in each ? [[option, each.initial]] : [],
  );
  return { ...Object.fromEntries(initial), ...Object.fromEntries(given) };
}

/**
 * @param {string} word
 * @returns {[string, string | undefined]}
 */
function splitFlag(word) {
  if (word === '-h') return ['--help', undefined];
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

/**
 * @param {string} word
 * @param {string} flag
 */
function unknownWord(word, flag) {
  if (word.startsWith('-')) return new UserError(`unknown option ${flag}; --help lists the options`);
  return new UserError(`unexpected "${word}"; with npm, options follow two dashes: npm start -- --alpha 5`);
}

/** @param {Map<string, unknown>} given */
function checkTogether(given) {
  const run = given.has('data') ? 'data' : 'penguins';
  for (const option of given.keys()) {
    if ((OPTIONS[option].run ?? run) === run) continue;
    throw new UserError(run === 'data' ? `--${option} has no meaning with --data` : `--${option} needs --data FILE`);
  }
  if ([...'alpha beta joint'.split(' ')].every((option) => (given.get(option) ?? OPTIONS[option].initial) === 0)) {
    throw new UserError('--alpha, --beta and --joint are all 0: nothing would be learned');
  }
}
