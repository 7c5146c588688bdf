// Checks of the package as a user gets it: `node .ci/package.mjs pack|install|types SCRATCH`.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [command, scratch] = process.argv.slice(2);
const tarball = join(scratch, 'lossmith.tgz');
const project = join(scratch, 'user');
const run = (file, args, cwd) =>
  execFileSync(file, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Packs the repository and checks the list of files. */
function pack() {
  const [{ filename, files, size }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', scratch], root));
  renameSync(join(scratch, filename), tarball);
  const paths = files.map((file) => file.path);
  console.log(`${filename}: ${size} bytes\n${paths.join('\n')}`);
  for (const path of ['LICENSE', 'NOTICE', 'README.md', 'CHANGELOG.md']) {
    if (!paths.includes(path)) fail(`the tarball lacks ${path}`);
  }
  for (const path of paths) {
    if (!/^(dist\/|LICENSE$|NOTICE$|README\.md$|CHANGELOG\.md$|package\.json$)/.test(path)) {
      fail(`the tarball holds ${path}, which nobody needs`);
    }
  }
}

/** Installs the tarball into an empty project; every entry must answer by import and by require, on one engine. */
function install() {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "user", "version": "1.0.0", "private": true }\n');
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], project);
  const installed = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
  if (installed.join() !== 'lossmith') fail(`installed ${installed.join(', ')} instead of lossmith alone`);
  const use = `
    const { loss, grad } = crossEntropy(tensor([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]]), [0, 2]);
    console.log(loss.toFixed(6), grad.shape.join('x'), grad.data.length);
    using(defaultEngine().from([[2.1, 0.3], [0.2, 3.3]]));
    function using(logits) {
      console.log(accuracy(argmax(logits), [0, 0]).accuracy, argmax(logits, { engine: defaultEngine() }).data.join());
    }`;
  const imports = [
    ['crossEntropy, defaultEngine, tensor', 'lossmith'],
    ['argmax', 'lossmith/decide'],
    ['accuracy', 'lossmith/metrics'],
  ];
  const written = (line) => imports.map(([names, from]) => `${line(names, from)}\n`).join('') + use;
  writeFileSync(
    join(project, 'user.mjs'),
    written((names, from) => `import { ${names} } from '${from}';`),
  );
  writeFileSync(
    join(project, 'user.cjs'),
    written((names, from) => `const { ${names} } = require('${from}');`),
  );
  const rows = [
    [2.1, 0.3, -1.0, 2.1],
    [0.2, 0.1, 3.3, 3.3],
  ];
  const nll = (row) => Math.log(row.slice(0, 3).reduce((sum, x) => sum + Math.exp(x), 0)) - row[3];
  const expected = `${((nll(rows[0]) + nll(rows[1])) / 2).toFixed(6)} 2x3 6\n0.5 0,1\n`;
  for (const file of ['user.mjs', 'user.cjs']) {
    const printed = run(process.execPath, [file], project);
    if (printed !== expected) fail(`${file} printed ${printed} instead of ${expected}`);
    console.log(file, printed.trim());
  }
}

/** The oldest TypeScript whose users can compile against the package: the first that knows `export type *`. */
const OLDEST = '5.0.4';

/**
 * Compiles the sample strictly against the installed package: with the oldest TypeScript and with that of the repository,
 * under every way TypeScript resolves modules, and with no library beside ECMAScript's own too, as a Node user may have it.
 */
function types() {
  const sample = join(root, '.ci', 'user-sample.ts');
  if (!readFileSync(sample, 'utf8').includes('@ts-expect-error')) fail('the sample no longer tests a wrong call');
  const folder = join(scratch, 'typescript');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  run('npm', ['install', '--no-audit', '--no-fund', `typescript@${OLDEST}`], folder);
  const compilers = [folder, root].map((home) => join(home, 'node_modules', 'typescript', 'bin', 'tsc'));
  const ways = [
    ['sample.mts', 'Node16', 'Node16'],
    ['sample.cts', 'Node16', 'Node16'],
    ['sample.mts', 'NodeNext', 'NodeNext'],
    ['sample.cts', 'NodeNext', 'NodeNext'],
    ['sample.ts', 'ESNext', 'bundler'],
  ];
  const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
  const faults = [];
  for (const tsc of compilers) {
    const version = run(process.execPath, [tsc, '--version'], project).trim();
    for (const [name, module, moduleResolution] of ways) {
      copyFileSync(sample, join(project, name));
      for (const lib of [undefined, ['ES2022']]) {
        const compilerOptions = { ...strict, target: 'ES2022', lib, types: [], skipLibCheck: false, noEmit: true };
        const config = { compilerOptions: { ...compilerOptions, module, moduleResolution }, files: [name] };
        writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
        const what = `${version}, ${name}, ${moduleResolution}, lib ${lib ?? 'of the target'}`;
        try {
          run(process.execPath, [tsc, '-p', '.'], project);
          console.log(`${what}: compiled`);
        } catch (error) {
          faults.push(`${what}:\n${error.stdout}`);
        }
      }
    }
  }
  if (faults.length > 0) fail(faults.join('\n'));
}

({ pack, install, types })[command]();
