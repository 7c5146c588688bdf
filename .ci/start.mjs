// Runs `npm start` as a user does and checks what it leaves: the table, the curves and a valid SVG file.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTags } from './xml.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const faults = [];

/** Runs `npm start -- ARGS`; npm's own lines in stderr (warnings about its configuration) are left out. */
function npmStart(...args) {
  const { status, stdout, stderr } = spawnSync('npm', ['start', '--', ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors = stderr.split('\n').filter((line) => line !== '' && !/^npm (warn|error|notice)/.test(line));
  return { status, output: stdout, errors };
}

function expect(condition, fault) {
  if (!condition) faults.push(fault);
}

const svg = join(root, 'examples', 'penguins', 'loss.svg');
rmSync(svg, { force: true });
const main = npmStart('--alpha', '2', '--beta', '0.5');
console.log(main.output);
expect(main.status === 0, `npm start ended with ${main.status}: ${main.errors.join('\n')}`);
for (const word of ['crossEntropy', 'componentCrossEntropy', 'bceWithLogits', 'mse']) {
  expect(main.output.includes(word), `the output of npm start does not name ${word}`);
}
expect(/initial +final +test/.test(main.output), 'npm start printed no table of first and last losses');
expect(/●●●/.test(main.output), 'npm start plotted no curves');
expect(existsSync(svg), `npm start wrote no ${svg}`);
if (existsSync(svg)) {
  try {
    const [top, ...tags] = startTags(readFileSync(svg, 'utf8'));
    expect(top.attributes.xmlns === 'http://www.w3.org/2000/svg', `${svg} is no SVG document`);
    const curves = tags.filter(({ name, attributes }) => name === 'path' && /^step: /.test(attributes['aria-label']));
    expect(curves.length > 0, `${svg} holds no curve`);
  } catch (error) {
    faults.push(`${svg}: ${error.message}`);
  }
}

const missing = npmStart('--data', 'no-such-file.csv', '--target', 'x');
expect(missing.status !== 0, 'npm start with a missing file ended well');
expect(
  missing.errors.length === 1 && missing.errors[0].includes('no-such-file.csv'),
  `not one clear line about a missing file: ${missing.errors.join('\n')}`,
);

for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
