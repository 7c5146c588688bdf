// The package as JSR gets it: `node .ci/jsr.mjs [FOLDER]` lays it out in FOLDER (which is kept, for `deno publish` there) or
// a temporary folder, runs `deno publish --dry-run` on it, and then the laid-out package itself, type-checked by Deno.
//
// The built bundle is published, not src/: the modules' bytes are made by the build, and JSR's rules for sources (a written
// type for every export, no inferred tables) would turn the types that follow from src/losses into lists to keep. Three
// things differ from npm's dist/: the bundle names its declarations, as JSR resolves no package.json; the declarations name
// each other by their full names; and they augment no global types, which JSR refuses and Deno does not need.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const deno = join(root, '.ci', 'runtimes', 'node_modules', '.bin', process.platform === 'win32' ? 'deno.cmd' : 'deno');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const config = JSON.parse(readFileSync(join(root, 'jsr.json'), 'utf8'));

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Changes a file; a change that finds nothing to do means that the build has changed. */
function rewrite(path, change) {
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  if (after === before) fail(`${path}: nothing to change for JSR`);
  writeFileSync(path, after);
}

/** The bundles that are published, by the folder of their declarations. */
const BUNDLES = { index: '', decide: 'decide/', metrics: 'metrics/', threads: 'threads/' };

function layOut(folder) {
  mkdirSync(join(folder, 'dist'), { recursive: true });
  const bundles = Object.keys(BUNDLES).map((name) => `dist/${name}.js`);
  for (const file of ['jsr.json', 'LICENSE', 'NOTICE', 'README.md', 'CHANGELOG.md', ...bundles, 'dist/types']) {
    cpSync(join(root, file), join(folder, file), { recursive: true });
  }
  for (const [name, own] of Object.entries(BUNDLES)) {
    const types = `/* @ts-self-types="./types/${own}index.d.ts" */\n`;
    rewrite(join(folder, 'dist', `${name}.js`), (code) => types + code);
  }
  const types = join(folder, 'dist', 'types');
  rewrite(join(types, 'values', 'types.d.ts'), (text) => text.replace(/^declare global \{\n[\s\S]*?^\}\n/m, ''));
  for (const file of readdirSync(types, { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue;
    const path = join(types, file);
    const named = readFileSync(path, 'utf8').replaceAll(/(from '|import\(")(\.[^'"]*)\.js(['"])/g, '$1$2.d.ts$3');
    writeFileSync(path, named);
  }
}

function run(args, cwd) {
  const env = { ...process.env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' };
  const { status, stdout, stderr } = spawnSync(deno, args, { cwd, env, encoding: 'utf8' });
  if (status !== 0) fail(`deno ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout + stderr;
}

if (config.version !== manifest.version) fail(`jsr.json has ${config.version}, package.json ${manifest.version}`);
if (config.license !== manifest.license) fail(`jsr.json has ${config.license}, package.json ${manifest.license}`);

if (!existsSync(deno)) {
  if (process.env.LOSSMITH_RUNTIMES === 'all') fail('Deno is missing: npm run runtimes');
  console.log('skipped: Deno is missing (npm run runtimes installs it)');
  process.exit();
}

const kept = process.argv[2];
const folder = kept ?? mkdtempSync(join(tmpdir(), 'lossmith-jsr-'));
try {
  layOut(folder);
  const log = run(['publish', '--dry-run', '--allow-dirty'], folder);
  if (!/Dry run complete/.test(log)) fail(`deno publish did not complete:\n${log}`);
  for (const file of [
    'dist/index.js',
    'dist/decide.js',
    'dist/metrics.js',
    'dist/threads.js',
    'dist/types/index.d.ts',
    'LICENSE',
    'README.md',
  ]) {
    if (!log.includes(file)) fail(`deno publish leaves out ${file}:\n${log}`);
  }
  console.log(log.trim());
  const user = [
    "import { crossEntropy } from './dist/index.js';",
    'const loss: number = crossEntropy([[1, 2, 3]], [1]).loss;',
    '// @ts-expect-error the declarations are read: there is no such option\nif (loss < 0) crossEntropy([[1, 2]], [1], { x: 1 });',
    "import { argmax } from './dist/decide.js';",
    "import { accuracy } from './dist/metrics.js';",
    'const right: number = accuracy(argmax([[1, 2, 3]]), [2]).accuracy;',
    'console.log(loss.toFixed(6), right);',
  ];
  writeFileSync(join(folder, 'user.ts'), `${user.join('\n')}\n`);
  const printed = run(['run', '--check', '--no-remote', '--no-npm', 'user.ts'], folder).trim();
  rmSync(join(folder, 'user.ts'));
  const right = Math.log(Math.exp(-1) + 1 + Math.exp(1)).toFixed(6);
  if (!printed.split('\n').includes(`${right} 1`)) fail(`in Deno the loss is ${printed}, not ${right}`);
  console.log(`in Deno: ${right}`);
} finally {
  if (kept === undefined) rmSync(folder, { recursive: true, force: true });
}
