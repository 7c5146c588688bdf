// Makes a clone ready for `npm start`, `npm test` and `npm run bench`: installs the locked dependencies, then builds
// dist/, each only when it is missing or out of date. Plain Node, no dependencies.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
const stampFile = at('node_modules', '.lossmith-build.json');

class SetupError extends Error {
  constructor(message, code = 1) {
    super(message);
    this.code = code;
  }
}

const readJson = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
};

/** True when every package of package-lock.json is installed at its locked version (npm keeps its own record). */
function installed() {
  const wanted = readJson(at('package-lock.json'))?.packages;
  if (!wanted) throw new SetupError('package-lock.json is missing or unreadable');
  const { devDependencies } = readJson(at('package.json')) ?? {};
  if (JSON.stringify(wanted['']?.devDependencies) !== JSON.stringify(devDependencies)) {
    throw new SetupError('package.json and package-lock.json disagree: run npm install');
  }
  const have = readJson(at('node_modules', '.package-lock.json'))?.packages;
  if (!have) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = have[path];
    if (!found) return entry.optional === true; // a binary of another platform
    return found.version === entry.version && found.integrity === entry.integrity && existsSync(at(path));
  });
}

function listFiles(directory, skip = '') {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (path === skip) return [];
    return entry.isDirectory() ? listFiles(path, skip) : [path];
  });
}

const shortPath = (path) => relative(root, path).split(sep).join('/');

/** One hash over everything the build reads and has not made itself: sources, configuration and the locked tool versions. */
function sourceHash() {
  const files = [
    ...listFiles(at('assembly'), at('assembly', 'generated')),
    ...listFiles(at('src'), at('src', 'generated')),
    at('docs', 'records.mjs'),
    ...readdirSync(root)
      .filter((name) => /^(package(-lock)?|asconfig|tsconfig.*)\.json$/.test(name))
      .map((name) => at(name)),
  ].sort();
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${shortPath(file)}\n`)
      .update(readFileSync(file))
      .update('\n');
  return hash.digest('hex');
}

const outputs = () => [...listFiles(at('dist')), ...listFiles(at('src', 'generated'))].map(shortPath);

function built() {
  const stamp = readJson(stampFile);
  return (
    stamp?.hash === sourceHash() && stamp.outputs.length > 0 && stamp.outputs.every((path) => existsSync(at(path)))
  );
}

/** Runs a command with its output kept back; shows it only when the command fails. */
function run(what, command, args) {
  const started = Date.now();
  process.stdout.write(`setup: ${what} ... `);
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (result.status === 0) {
    process.stdout.write(`${((Date.now() - started) / 1000).toFixed(1)} s\n`);
    return;
  }
  process.stdout.write('failed\n');
  const lines = `${result.stdout ?? ''}${result.stderr ?? ''}`.trimEnd().split('\n');
  process.stderr.write(`${lines.slice(-60).join('\n')}\n`);
  const why = result.error?.message ?? (result.signal ? `ended by ${result.signal}` : `exit code ${result.status}`);
  throw new SetupError(`${what} failed: ${why}`, result.status || 1);
}

/** `npm install` against the lock rather than `npm ci`: it repairs in place, under the feet of no other process. */
function install() {
  const args = [
    'install',
    '--no-save',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
  ];
  const npm = process.env.npm_execpath;
  const what = 'installing the locked dependencies (npm install)';
  if (npm && /\.c?js$/.test(npm)) run(what, process.execPath, [npm, ...args]);
  else run(what, process.platform === 'win32' ? 'npm.cmd' : 'npm', args);
  if (!installed()) throw new SetupError('npm installed something else than package-lock.json says: run npm install');
}

function build() {
  const hash = sourceHash(); // taken before: an edit made meanwhile makes the next run build again
  run('building dist/ (assembly/build.mjs)', process.execPath, [at('assembly', 'build.mjs')]);
  const list = outputs();
  if (list.length === 0) throw new SetupError('the build ended well but left no dist/');
  const fresh = `${stampFile}.${process.pid}`;
  writeFileSync(fresh, JSON.stringify({ hash, outputs: list }));
  renameSync(fresh, stampFile);
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** Holds a lock directory outside the clone (so that nothing has to ignore it) while `work` runs; waits for its turn. */
function locked(work) {
  const lock = join(tmpdir(), `lossmith-setup-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`);
  const owner = join(lock, 'pid');
  let told = false;
  for (let emptyFor = 0; ; ) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw new SetupError(`cannot create the lock ${lock}: ${error.message}`);
    }
    const pid = Number(existsSync(owner) ? readFileSync(owner, 'utf8') : 0);
    emptyFor = pid ? 0 : emptyFor + 1;
    if (pid ? !isAlive(pid) : emptyFor > 20) {
      rmSync(lock, { recursive: true, force: true }); // its owner ended without cleaning up
      continue;
    }
    if (pid && !told) console.log(`setup: waiting for another set-up of this clone (process ${pid})`);
    told ||= pid > 0;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  try {
    writeFileSync(owner, String(process.pid));
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

try {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new SetupError(`Node 20 or later is needed, this is ${process.version}`);
  }
  if (installed() && built()) {
    console.log('setup: dependencies and dist/ are up to date');
  } else {
    locked(() => {
      if (!installed()) install();
      if (!built()) build();
    });
  }
} catch (error) {
  console.error(`setup: ${error instanceof SetupError ? error.message : error.stack}`);
  process.exitCode = error.code > 0 ? error.code : 1;
}
