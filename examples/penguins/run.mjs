/** One run: trains what the settings ask for, reports it and draws the picture. */
import { writeFileSync } from 'node:fs';
import { basename, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { withFile } from './errors.mjs';
import { ownTableTask } from './own-table.mjs';
import { loadPenguins } from './penguins.mjs';
import { penguinTasks } from './tasks.mjs';
import { train } from './train.mjs';
import { counted, percent, short, shortened, tableLines } from './words.mjs';

const bold = (text) => styleText('bold', text);

const nameOf = ({ name }) => shortened(name, 30);

/** A table with many useless columns gets no longer list of them than this. */
const MOST_NOTES = 12;

/** `folder` is what the file names of the settings are relative to. */
export async function run(settings, terminal, folder) {
  const { title, tasks, digits } = await prepare(settings, terminal, folder);
  const results = tasks.map((task, index) => trainTask(task, `${index + 1}/${tasks.length}`, settings, terminal));
  terminal.print('', ...resultLines(results));
  terminal.print('', 'On rows that the head has not seen:', ...results.flatMap(scoreLines));
  if (digits) terminal.print('', ...digits.comparisonLines(results.slice(-2)));
  const [{ plotLines }, { picture }] = await Promise.all([import('./plot.mjs'), import('./picture.mjs')]);
  terminal.print('', ...plotLines(results, terminal));

  const path = settings.svg ? resolve(folder, settings.svg) : fileURLToPath(new URL('loss.svg', import.meta.url));
  const subtitle = `${settings.steps} steps of gradient descent on linear heads, seed ${settings.seed}`;
  const svg = await picture(results, { title, subtitle });
  withFile(`cannot write ${path}`, () => writeFileSync(path, svg));
  const shown = relative(folder, path);
  terminal.print('', `Loss curves and answers as a picture: ${shown.startsWith('..') ? path : shown}`);
}

/** The tasks; what only some runs need is loaded for these. */
async function prepare(settings, terminal, folder) {
  const { data, target, seed, steps, alpha, beta, joint } = settings;
  if (data === undefined) {
    terminal.print(bold('Penguins and digits: linear heads trained with the losses of lossmith'));
    terminal.print(`${steps} steps of gradient descent, seed ${seed}; α ${alpha}, β ${beta}, joint weight ${joint}`);
    const digits = await import('../digits/digits.mjs');
    const tasks = [...penguinTasks(loadPenguins(), settings), ...digits.digitTasks(seed)];
    return { title: 'Palmer penguins and handwritten digits', tasks, digits };
  }
  const { task, notes } = ownTableTask(resolve(folder, data), { name: data, target, seed });
  terminal.print(bold(`${data}: predicting ${task.name} with ${task.lossName}`), ...notes.slice(0, MOST_NOTES));
  if (notes.length > MOST_NOTES) terminal.print(`… and ${notes.length - MOST_NOTES} more`);
  return { title: `${basename(data)}: ${task.name}`, tasks: [task] };
}

/** Trains one task and shows how it goes. */
function trainTask(task, number, { steps, seed }, terminal) {
  terminal.print('', bold(`${number} ${task.name}, ${task.lossName}`));
  terminal.print(`    ${counted(task.train.rows, 'row')} to train, ${task.test.rows} to test, ${task.note}`);
  const started = performance.now();
  const result = train(task, { steps, seed });
  const seconds = ((performance.now() - started) / 1000).toFixed(2);
  const parts = task.componentNames?.map((name, m) => `${name} ${short(result.componentLosses.data[m], 3)}`).join(', ');
  const fall = `loss ${short(result.initialLoss, 3)} → ${short(result.finalLoss, 3)}${parts ? ` (${parts})` : ''}`;
  terminal.print(`    ${fall}, ${scoreText(result.scores[0])}, ${seconds} s`);
  return result;
}

/** What was learned with which loss, how far the loss fell, how good the head is on unseen rows, and how long a step takes. */
function resultLines(results) {
  const microseconds = (milliseconds) => (1000 * milliseconds).toFixed(milliseconds < 0.01 ? 1 : 0);
  const rows = results.map(({ task, initialLoss, finalLoss, scores: [score], lossTime, stepTime }) => [
    nameOf(task),
    task.lossName,
    ...[initialLoss, finalLoss].map((loss) => short(loss, loss < 0.01 ? 2 : 3)),
    score.name === 'R²' ? `R² ${score.value.toFixed(2)}` : percent(score.value),
    ...[lossTime, stepTime].map(microseconds),
  ]);
  const heading = ['task', 'loss function', 'initial', 'final', 'test', 'loss µs', 'step µs'];
  return tableLines([heading, ...rows], new Set([2, 3, 5, 6]));
}

const scoreText = ({ name, value }) => `${name} ${name === 'R²' ? value.toFixed(3) : percent(value)}`;

const scoreLines = ({ task, scores }) =>
  scores.map((score, i) => `  ${(i === 0 ? nameOf(task) : '').padEnd(14)}  ${scoreText(score)} (${score.note})`);
