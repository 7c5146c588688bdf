// The size budget: what a browser loads for `import { crossEntropy } from 'lossmith'` and one call of it, every tier it may
// need included, as esbuild makes it of the installed package, minified and compressed. `node .ci/size.mjs [SCRATCH]`;
// SCRATCH is a folder where .ci/package.mjs has packed and installed the package, without it that is done first.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Bytes of the whole, compressed by gzip. */
const BUDGET = 40_000;
const generated = readFileSync(join(root, 'src', 'generated', 'wasm.ts'), 'utf8');
/** In the order of the bundle. */
const TIERS = ['scalar', 'simd', 'relaxed'];

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

async function bundle() {
  const { outputFiles } = await build({
    stdin: {
      contents: "import { crossEntropy } from 'lossmith';\nconsole.log(crossEntropy([[1, 2, 3]], [1]).loss);\n",
      resolveDir: project,
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    legalComments: 'none',
    write: false,
  });
  return outputFiles[0].text;
}

const gzip = (text) => gzipSync(text, { level: 9 }).length;
const sizes = (text) => [Buffer.byteLength(text), gzip(text), brotliCompressSync(text).length];
const line = (name, numbers) => console.log(name.padEnd(22), ...numbers.map((n) => String(n).padStart(9)));

try {
  if (!existsSync(project)) install();
  const text = await bundle();
  const modules = TIERS.map((tier) => new RegExp(`const ${tier}: string = '(.+)';`).exec(generated)[1]);
  for (const module of modules) if (!text.includes(module)) throw new Error('a module is not in the bundle as written');
  console.log(' '.repeat(22), ...['bytes', 'gzip', 'brotli'].map((name) => name.padStart(9)));
  line('JavaScript', sizes(modules.reduce((rest, module) => rest.replace(module, ''), text)));
  // each costs what it adds to those before it: the tiers share most of their bytes
  let before = '';
  for (const [i, tier] of TIERS.entries()) {
    const after = before + modules[i];
    const [old, now] = [sizes(before), sizes(after)];
    line(
      tier,
      now.map((size, k) => size - old[k]),
    );
    before = after;
  }
  const all = sizes(text);
  line('all', all);
  console.log(`budget: ${BUDGET} bytes by gzip`);
  if (all[1] > BUDGET) {
    console.error(`the bundle has ${all[1]} bytes by gzip, ${all[1] - BUDGET} too many`);
    process.exitCode = 1;
  }
} finally {
  if (given === undefined) rmSync(scratch, { recursive: true, force: true });
}
