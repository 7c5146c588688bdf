// asc's own check of the kernels: each target of asconfig.json compiles without a warning and reads every source file.
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
let faults = 0;

for (const target of Object.keys(targets)) {
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
  const { error, stdout, stderr } = await asc.main(['--config', 'asconfig.json', '--target', target, '--noEmit'], {
    readFile,
  });
  const report = `${stdout}${stderr}`;
  const unread = sources.filter((path) => !read.has(`assembly/${path}`));
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
if (Object.keys(targets).length < 3) {
  faults++;
  console.error('asconfig.json names fewer than three tiers');
}
process.exitCode = faults > 0 ? 1 : 0;
