// Installs what test/runtimes.test.ts runs the package in: `npm run runtimes`. Runtimes and bundlers go into node_modules
// beside this file, at the versions of package-lock.json; browsers, and the Redis of examples/fleet, come from the system's
// packages. Does nothing where all is there.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const modules = join(folder, 'node_modules');
const systemPackages = ['chromium', 'firefox-esr', 'webkit2gtk-driver', 'xvfb', 'redis-server'];

/** Runs a command with its output shown; ends this program where it fails. */
function run(file, args, options = {}) {
  const { status, error } = spawnSync(file, args, { cwd: folder, stdio: 'inherit', ...options });
  if (status === 0) return;
  console.error(`runtimes: ${file} ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`);
  process.exit(1);
}

const succeeds = (file, args) => spawnSync(file, args, { stdio: 'ignore' }).status === 0;

/**
 * `npm install` against the lock rather than `npm ci`: that one refuses a lock without the binaries of platforms whose
 * packages a registry lacks.
 */
function installModules() {
  const stamp = join(modules, '.runtimes');
  const wanted = ['package.json', 'package-lock.json'].map((file) => readFileSync(join(folder, file), 'utf8'));
  const hash = createHash('sha256').update(wanted.join('\n')).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) {
    console.log('runtimes: runtimes and bundlers are up to date');
    return;
  }
  const args = ['install', '--no-save', '--ignore-scripts', '--include=optional', '--no-audit', '--no-fund'];
  const npm = process.env.npm_execpath;
  if (npm && /\.c?js$/.test(npm)) run(process.execPath, [npm, ...args]);
  else run('npm', args);
  // Bun's install script puts the program for this machine in place; the other packages do without theirs
  const bun = join(modules, 'bun');
  if (!succeeds(join(modules, '.bin', 'bun'), ['--version'])) run(process.execPath, ['install.js'], { cwd: bun });
  writeFileSync(stamp, hash);
}

/** Only root on a Debian system may install its packages; anyone else is told what to do. */
function installSystemPackages() {
  if (!succeeds('dpkg-query', ['--version'])) {
    console.log(
      'runtimes: not a Debian system: install Chromium, Firefox, WebKitGTK with MiniBrowser and xvfb-run, and redis-server',
    );
    return;
  }
  const lacking = systemPackages.filter((name) => !succeeds('dpkg', ['--status', name]));
  if (lacking.length === 0) {
    console.log('runtimes: browsers and Redis are installed');
    return;
  }
  const args = ['install', '-y', '--no-install-recommends', ...lacking];
  if (process.getuid?.() !== 0) {
    console.log(`runtimes: browsers or Redis are missing; to install them: sudo apt-get ${args.join(' ')}`);
    return;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update'], { env });
  run('apt-get', args, { env });
}

installModules();
installSystemPackages();
