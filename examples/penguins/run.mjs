import { writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileError } from './errors.mjs';
import { ownTableTask } from './own-table.mjs';
import { loadPenguins } from './penguins.mjs';
import { plotLines } from './plot.mjs';
import { scoreLines, scoreText, tableLines } from './report.mjs';
import { curvesSvg } from './svg.mjs';
import { penguinTasks } from './tasks.mjs';
import { train } from './train.mjs';
import { short } from './words.mjs';

/** @typedef {import('./terminal.mjs').Terminal} Terminal */
/** @typedef {import('./train.mjs').Task} Task */
/** @typedef {import('./train.mjs').Result} Result */

/** A table with many useless columns gets no longer list of them than this. */
const MOST_NOTES = 12;

/**
 * Trains what the settings ask for and reports it.
 *
 * @param {import('./cli.mjs').Settings} settings
 * @param {Terminal} terminal
 * @param {string} folder what the file names of the settings are relative to
 */
export function run(settings, terminal, folder) {
  const { title, tasks } = prepare(settings, terminal, folder);
  const results = tasks.map((task, index) => trainTask(task, `${index + 1}/${tasks.length}`, settings, terminal));
  report(results, terminal);
  const path = settings.svg ? resolve(folder, settings.svg) : join(dirname(fileURLToPath(import.meta.url)), 'loss.svg');
  writeSvg(path, results, title, settings);
  terminal.print();
  const shown = relative(folder, path);
  terminal.print(`Loss curves as a picture: ${shown.startsWith('..') ? path : shown}`);
}

/**
 * @param {import('./cli.mjs').Settings} settings
 * @param {Terminal} terminal
 * @param {string} folder
 * @returns {{ title: string, tasks: Task[] }}
 */
function prepare(settings, terminal, folder) {
  const { data, target, seed, steps, alpha, beta, joint } = settings;
  if (data === undefined) {
    terminal.print(terminal.bold('Palmer penguins: linear models trained with the losses of lossmith'));
    terminal.print(`${steps} steps of gradient descent, seed ${seed}; α ${alpha}, β ${beta}, joint weight ${joint}`);
    return { title: 'Palmer penguins', tasks: penguinTasks(loadPenguins(), settings) };
  }
  const { task, notes } = ownTableTask(resolve(folder, data), { name: data, target, seed });
  terminal.print(terminal.bold(`${data}: predicting ${task.name} with ${task.lossName}`));
  for (const note of notes.slice(0, MOST_NOTES)) terminal.print(note);
  if (notes.length > MOST_NOTES) terminal.print(`… and ${notes.length - MOST_NOTES} more`);
  return { title: `${basename(data)}: ${task.name}`, tasks: [task] };
}

/**
 * Trains one task and shows how it goes.
 *
 * @param {Task} task
 * @param {string} number
 * @param {{ steps: number, seed: number }} settings
 * @param {Terminal} terminal
 * @returns {Result}
 */
function trainTask(task, number, { steps, seed }, terminal) {
  const started = performance.now();
  const result = train(task, {
    steps,
    seed,
    onStep: (step, loss) =>
      terminal.progress(() => `${number} ${task.name}: step ${step} of ${steps}, loss ${short(loss)}`),
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(2);
  terminal.print();
  terminal.print(terminal.bold(`${number} ${task.name}, ${task.lossName}, ${seconds} s`));
  terminal.print(`    ${task.rowsNote}`);
  const parts = task.componentNames?.map((name, m) => `${name} ${short(result.componentLosses.data[m])}`);
  const fall = `loss ${short(result.initialLoss)} → ${short(result.finalLoss)}${parts ? ` (${parts.join(', ')})` : ''}`;
  terminal.print(`    ${fall}, ${scoreText(result.scores[0])}`);
  return result;
}

/**
 * @param {Result[]} results
 * @param {Terminal} terminal
 */
function report(results, terminal) {
  terminal.print();
  const [heading, ...lines] = tableLines(results);
  terminal.print(terminal.bold(heading));
  for (const line of lines) terminal.print(line);
  terminal.print();
  terminal.print('On rows that the model has not seen:');
  for (const line of results.flatMap(scoreLines)) terminal.print(line);
  terminal.print();
  for (const line of plotLines(curvesOf(results), terminal)) terminal.print(line);
}

/** @param {Result[]} results */
function curvesOf(results) {
  return results.map(({ task, initialLoss, finalLoss, curve }) => ({
    name: task.name,
    lossName: task.lossName,
    first: initialLoss,
    last: finalLoss,
    losses: curve,
  }));
}

/**
 * @param {string} path
 * @param {Result[]} results
 * @param {string} title
 * @param {{ steps: number, seed: number }} settings
 */
function writeSvg(path, results, title, { steps, seed }) {
  const subtitle = `Loss on the training rows, ${steps} steps of gradient descent on linear models, seed ${seed}`;
  try {
    writeFileSync(path, curvesSvg(curvesOf(results), { title, subtitle }));
  } catch (error) {
    throw fileError(`cannot write ${path}`, error);
  }
}
