// asc's own check of the kernels: the simd tier, of which the others are made, decoder, contractor and the kernels of lossmith/decide
// compile without a warning; together they read every source file. The compiler's entry is what the build wrote.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const { targets } = JSON.parse(readFileSync('asconfig.json', 'utf8'));
const sources = readdirSync('assembly', { recursive: true })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts'));
/** What is compiled by itself: the files that belong to it, and its options. */
const alone = {
  'decode.ts': { owns: (path) => path === 'decode.ts', options: [] },
  'contract.ts': { owns: (path) => path === 'contract.ts', options: [] },
  'decide/index.ts': {
    owns: (path) => path.startsWith('decide/'),
    options: ['--enable', 'simd', '--disableWarning', '112'],
  },
};
const isAlone = (path) => Object.values(alone).some(({ owns }) => owns(path));
let faults = 0;

for (const target of [...Object.keys(targets), ...Object.keys(alone)]) {
  const read = new Set();
  const readFile = (path, base) => {
    try {
      const text = readFileSync(join(base, path), 'utf8');
      read.add(path.replaceAll('\\', '/'));
      return text;
    } catch {
      return null; // asc tries several places
    }
  };
  const own = alone[target];
  const args = own
    ? [`assembly/${target}`, ...'--config none --runtime stub --use abort= --noEmit'.split(' '), ...own.options]
    : ['--config', 'asconfig.json', '--target', target, '--noEmit'];
  const { error, stdout, stderr } = await asc.main(args, { readFile });
  const report = `${stdout}${stderr}`;
  const wanted = sources.filter((path) => (own ? own.owns(path) : !isAlone(path)));
  const unread = wanted.filter((path) => !read.has(`assembly/${path}`));
  if (error || /WARNING|ERROR/.test(report)) {
    faults++;
    console.error(`${target}: ${error?.message ?? 'compiles with warnings'}\n${report}`);
  }
  for (const path of unread) {
    faults++;
    console.error(`${target}: assembly/${path} is part of no kernel`);
  }
  console.log(`${target}: ${read.size} files read`);
}
process.exitCode = faults > 0 ? 1 : 0;
