// Rules on the repository's files that no other tool checks. Prints every breach, then exits 1 if there was one.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const maxLines = 400;
const breaches = [];
const report = (where, what) => breaches.push(`${where}: ${what}`);

// A clone may belong to another user than the one who runs this.
const git = (...args) =>
  execFileSync('git', ['-c', 'safe.directory=*', ...args], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)));
const read = (path) => readFileSync(join(root, path), 'utf8');

/** Source with comments, strings and regular expressions' quotes blanked; line numbers stay. */
const codeOnly = (source) =>
  source.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, (text) =>
    text.replace(/[^\n]/g, ' '),
  );

/** Applies `pattern` to each line. Patterns are spelled with [x] so that this file does not match itself. */
function forbid(paths, pattern, what, view = (text) => text) {
  for (const path of paths) {
    const lines = view(read(path)).split('\n');
    lines.forEach((line, i) => {
      if (pattern.test(line)) report(`${path}:${i + 1}`, `${what}: ${line.trim().slice(0, 120)}`);
    });
  }
}

const files = git('ls-files', '-z', '--cached', '--others', '--exclude-standard');
const text = files.filter((path) => !/\.(png|svg|wasm|gz|zip)$/.test(path));
const code = files.filter((path) => /\.(ts|mts|cts|js|mjs|cjs)$/.test(path));
const prose = [...code, ...files.filter((path) => /\.md$/.test(path)), '.ci/run'];

forbid(text, /(^|[\s"'`(=:])\/([w]ork|[r]oot|[h]ome|[U]sers|[t]mp)\//, 'a path of one machine');
forbid(text, /\.\.\/[s]hared\b/, 'a path outside the repository');
forbid(text, /https?:\/\/(10\.\d|192\.168\.)/, 'an address of one network');
forbid(prose, /\b([T]ODO|[F]IXME|[X]XX)\b/, 'unfinished work');
forbid(code, /\.([o]nly|[s]kip|[t]odo)\(/, 'a test that is switched off');
forbid(
  code.filter((path) => path.startsWith('src/')),
  /\b[a]ny\b/,
  'the type any',
  codeOnly,
);
for (const path of code) {
  const lines = read(path).split('\n').length - 1;
  if (lines > maxLines) report(path, `${lines} lines, more than ${maxLines}`);
}

for (const file of files.filter((path) => path.endsWith('package-lock.json'))) {
  for (const [path, entry] of Object.entries(JSON.parse(read(file)).packages)) {
    if (entry.resolved) report(file, `${path} names the address it was fetched from`);
    if (path !== '' && !entry.version) report(file, `${path} has no version`);
  }
}

const manifest = JSON.parse(read('package.json'));
if (manifest.license !== 'MIT' || !read('LICENSE').startsWith('MIT License'))
  report('LICENSE', 'is not the MIT licence');
const loader = `@assemblyscript/loader ${manifest.devDependencies['@assemblyscript/loader']}`;
if (!read('NOTICE').includes(loader)) report('NOTICE', `does not name the bundled ${loader}`);
if (!read('NOTICE').includes('Apache License')) report('NOTICE', 'lacks the licence of the bundled loader');
if (!read('CHANGELOG.md').includes(`## ${manifest.version}`)) report('CHANGELOG.md', `lacks ${manifest.version}`);
for (const [name, range] of Object.entries(manifest.devDependencies)) {
  if (!/^\d/.test(range)) report('package.json', `${name} ${range} is not an exact version`);
}
if (manifest.dependencies) report('package.json', 'has dependencies; users install lossmith alone');

for (const path of git('ls-files', '-z', '--cached', '--ignored', '--exclude-standard')) {
  report(path, 'is tracked although .gitignore names it');
}

for (const breach of breaches) console.error(breach);
console.log(`${files.length} files, ${breaches.length} breaches`);
process.exitCode = breaches.length > 0 ? 1 : 0;
