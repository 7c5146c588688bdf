/** The command line: which options there are, and what they may be. */
import { parseArgs } from 'node:util';
import { UserError } from './errors.mjs';

const number = (what, low, high, pattern) => (text, flag) => {
  if (pattern.test(text) && Number(text) >= low && Number(text) <= high) return Number(text);
  throw new UserError(`${flag} must be a ${what} from ${low} to ${high}, not "${text}"`);
};
const weight = number('number', 0, 1e6, /\S/);
const whole = (low, high) => number('whole number', low, high, /^-?\d+$/);

/** Options without `parse` are switches; `run` names the run that one belongs to, if not both. */
const [PENGUINS, OWN] = ['penguins', 'own table'];
const OPTIONS = {
  alpha: { value: 'A', parse: weight, initial: 1, run: PENGUINS, help: 'weight of the species in "species × sex"' },
  beta: { value: 'B', parse: weight, initial: 1, run: PENGUINS, help: 'weight of the sex in "species × sex"' },
  joint: { value: 'J', parse: weight, initial: 0.5, run: PENGUINS, help: 'weight of cross entropy on all six classes' },
  data: { value: 'FILE', parse: String, help: 'train on a table of your own: CSV with a header line' },
  target: { value: 'COLUMN', parse: String, run: OWN, help: 'the column of that table to predict' },
  steps: { value: 'N', parse: whole(1, 1_000_000), initial: 1000, help: 'steps of gradient descent' },
  seed: { value: 'N', parse: whole(0, 2 ** 32 - 1), initial: 1, help: 'split of the rows and first weights' },
  svg: { value: 'FILE', parse: String, help: 'where to write the picture (examples/penguins/loss.svg)' },
  ascii: { help: 'plain ASCII output' },
  help: { help: 'this text' },
};

const everyOption = Object.entries(OPTIONS);

/** What `--help` prints. */
export const usage = () => `Trains small linear heads with the losses of lossmith.

  npm start                                      on the Palmer penguins, and on handwritten digits
  npm start -- --alpha 5 --beta 0.2              weigh species above sex
  npm start -- --data FILE.csv --target COLUMN   on a table of your own

Options (default)
${everyOption.map(([option, { value, initial, help }]) => `  --${option} ${value ?? ''}`.padEnd(20) + help + (initial === undefined ? '' : ` (${initial})`)).join('\n')}`;

/** The settings: values of options by name. */
export function parseCommandLine(args) {
  const kinds = everyOption.map(([option, { parse }]) => [option, { type: parse ? 'string' : 'boolean' }]);
  const options = { ...Object.fromEntries(kinds), help: { type: 'boolean', short: 'h' } };
  const given = new Map();
  // not strict: its messages do not name what would be right
  for (const token of parseArgs({ args, options, strict: false, tokens: true }).tokens) {
    const { name: option, rawName: flag = '--', value, inlineValue } = token;
    if (token.kind === 'positional') {
      throw new UserError(`unexpected "${value}"; with npm, options follow two dashes: npm start -- --alpha 5`);
    }
    if (!Object.hasOwn(OPTIONS, option ?? '')) throw new UserError(`unknown option ${flag}; --help lists the options`);
    if (given.has(option)) throw new UserError(`${flag} is given twice`);
    const { parse, value: placeholder } = OPTIONS[option];
    if (!parse && inlineValue) throw new UserError(`${flag} takes no value`);
    const none = value === undefined || (parse === String && value === '') || (!inlineValue && value.startsWith('--'));
    if (parse && none) {
      throw new UserError(`${flag} needs a value: ${flag} ${placeholder}`);
    }
    given.set(option, parse ? parse(value, flag) : true);
  }
  const initial = everyOption.flatMap(([option, each]) => ('initial' in each ? [[option, each.initial]] : []));
  const settings = { ...Object.fromEntries(initial), ...Object.fromEntries(given) };
  if (!settings.help) checkTogether(settings, [...given.keys()]);
  return settings;
}

function checkTogether({ data, alpha, beta, joint }, given) {
  const other = data === undefined ? OWN : PENGUINS;
  const lost = given.find((option) => OPTIONS[option].run === other);
  if (lost) throw new UserError(other === OWN ? `--${lost} needs --data FILE` : `--${lost} has no meaning with --data`);
  if (alpha + beta + joint > 0) return;
  throw new UserError('--alpha, --beta and --joint are all 0: nothing would be learned');
}
