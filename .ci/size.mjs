// The size budgets: what a program loads for an import of crossEntropy and one call of it, every tier it may need included,
// as esbuild makes it of the installed package, minified and compressed. `node .ci/size.mjs [SCRATCH]`;
// SCRATCH is a folder where .ci/package.mjs has packed and installed the package, without it that is done first.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Of each entry: the condition under which it is bundled, the files it loads beside the bundle, and the bytes by gzip. */
const BUDGETS = [
  { entry: 'lossmith', conditions: [], beside: [], budget: 74_300 },
  { entry: 'lossmith/simd', conditions: [], beside: [], budget: 70_000 },
  { entry: 'lossmith', conditions: ['workerd'], beside: ['simd.wasm'], budget: 68_300 },
];

const given = process.argv[2];
const scratch = given ?? mkdtempSync(join(tmpdir(), 'lossmith-size-'));
const project = join(scratch, 'user');

function install() {
  for (const command of ['pack', 'install']) {
    execFileSync(process.execPath, [join(root, '.ci', 'package.mjs'), command, scratch], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
}

/** What a program loads of an entry, minified. */
async function bundle(entry, conditions) {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { crossEntropy } from '${entry}';\nconsole.log(crossEntropy([[1, 2, 3]], [1]).loss);\n`,
      resolveDir: project,
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    conditions,
    target: 'es2022',
    legalComments: 'none',
    external: ['*.wasm'],
    write: false,
  });
  return outputFiles[0].contents;
}

const sizes = (bytes) => [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length];
const line = (name, numbers, rest = '') =>
  console.log(name.padEnd(32), ...numbers.map((n) => String(n).padStart(9)), rest);

try {
  if (!existsSync(project)) install();
  const dist = join(project, 'node_modules', 'lossmith', 'dist');
  console.log(' '.repeat(32), ...['bytes', 'gzip', 'brotli'].map((name) => name.padStart(9)));
  for (const { entry, conditions, beside, budget } of BUDGETS) {
    const loaded = [await bundle(entry, conditions), ...beside.map((name) => readFileSync(join(dist, 'wasm', name)))];
    const all = loaded.map(sizes).reduce((sum, size) => sum.map((n, k) => n + size[k]));
    line([entry, ...conditions, ...beside].join(' '), all, `budget ${budget}`);
    if (all[1] <= budget) continue;
    console.error(`${entry} ${conditions}: ${all[1]} bytes by gzip, ${all[1] - budget} too many`);
    process.exitCode = 1;
  }
} finally {
  if (given === undefined) rmSync(scratch, { recursive: true, force: true });
}
