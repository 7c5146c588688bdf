// Runs every js and ts block of README.md and of the pages in docs/ and every @example of src/ against the built package, and
// checks that each public function is documented.
//
// A line that ends in `// => VALUE` asserts that its value prints as VALUE: numbers to the digits printed (`0.31…` for
// cut-off ones), the rest literally but for white space and quotes. `// throws TEXT` asserts that the statement throws
// an error whose name and message contain TEXT. In Markdown a block without an import continues the block before it, and so
// does a call in the second cell of a table's row, if the first one is code too.
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build, transformSync } from 'esbuild';
import { undocumented } from './documented.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const packageName = 'lossmith';
const languages = ['js', 'javascript', 'mjs', 'cjs', 'ts', 'typescript'];
const fence = /^ {0,3}```(\w+)[^\n]*\n([\s\S]*?)^ {0,3}```\s*$/gm;
const importsSomething = /^\s*import\s|\brequire\(/m;

const lineOf = (text, index) => text.slice(0, index).split('\n').length;

/** A row of a table whose first cell is code and whose second one is a call. */
const callRow = /^\| `[^|\n]+` \| `(\w+\([^\n]*?)` \|/gm;

/** Blocks of a Markdown file; one without an import is nested inside the blocks it continues. */
function markdownBlocks(path) {
  const text = readFileSync(join(root, path), 'utf8');
  const found = [...text.matchAll(fence)].filter(([, language]) => languages.includes(language));
  const parts = [
    ...found.map(({ index, 2: code }) => ({ index, code, row: false })),
    ...[...text.matchAll(callRow)].map(({ index, 1: code }) => ({ index, code: `${code};\n`, row: true })),
  ].sort((a, b) => a.index - b.index);
  const blocks = [];
  let last;
  for (const { index, code, row } of parts) {
    const before = importsSomething.test(code) ? undefined : last;
    const block = { where: `${path}:${lineOf(text, index)}`, code, before };
    if (!row) last = block;
    blocks.push(block);
  }
  return blocks;
}

/** The @example parts of a source file's doc comments; what they use of the package is imported for them. */
function exampleBlocks(path, exported) {
  const text = readFileSync(join(root, path), 'utf8');
  const blocks = [];
  for (const comment of text.matchAll(/\/\*\*[\s\S]*?\*\//g)) {
    const body = comment[0].slice(0, -2).replace(/^\s*\/?\*+ ?/gm, '');
    for (const example of body.matchAll(/^@example\b([\s\S]*?)(?=^@\w|(?![\s\S]))/gm)) {
      const fenced = [...example[1].matchAll(fence)].map((match) => match[2]);
      const code = fenced.length > 0 ? fenced.join('\n') : example[1];
      const names = exported.filter((name) => new RegExp(`\\b${name}\\b`).test(code));
      const header = importsSomething.test(code) ? '' : `import { ${names.join(', ')} } from '${packageName}';\n`;
      const line = lineOf(text, comment.index) + lineOf(body, example.index) - 1;
      blocks.push({ where: `${path}:${line}`, code: header + code, before: undefined });
    }
  }
  return blocks;
}

function parses(code) {
  try {
    transformSync(code, { loader: 'ts', format: 'esm', logLevel: 'silent' });
    return true;
  } catch {
    return false;
  }
}

/** Rewrites the statement that ends at `lines[last]` so that it hands its value to the check. */
function assertion(lines, last, kind, expected) {
  for (let first = last; first >= 0; first--) {
    const statement = lines
      .slice(first, last + 1)
      .join('\n')
      .trim();
    if (statement === '' || !parses(statement)) continue;
    const bare = statement.replace(/;$/, '');
    const text = JSON.stringify(expected);
    const declared = /^(?:const|let|var)\s+(?:(\w+)|\{\s*(\w+)\s*\}|\[\s*(\w+)\s*\])\s*(?::[^=]+)?=[^=]/.exec(bare);
    const logged = /^console\.log\(([\s\S]*)\)$/.exec(bare);
    let check = `__check([${bare}], ${text});`;
    if (kind === 'throws') check = `__throws(() => { ${bare} }, ${text});`;
    else if (declared) check = `${bare}; __check([${declared[1] ?? declared[2] ?? declared[3]}], ${text});`;
    else if (logged) check = `__check([${logged[1]}], ${text});`;
    lines.splice(first, last + 1 - first, check, ...Array(last - first).fill(''));
    return;
  }
  throw new Error(`no statement found for "${expected}"`);
}

function withChecks({ code }) {
  const lines = code.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const marked = /^(.*?)\s*\/\/ (=>|throws) (.+?)\s*$/.exec(lines[i]);
    if (!marked) continue;
    lines[i] = marked[1];
    assertion(lines, i, marked[2], marked[3]);
  }
  return lines.join('\n');
}

/** A block and all it continues, as nested scopes: a continuation may use and may redeclare the names before it. */
function program(block) {
  const chain = [];
  for (let link = block; link; link = link.before) chain.unshift(link);
  const checked = chain.map(withChecks);
  return checked.join('\n{\n') + '\n}'.repeat(checked.length - 1);
}

/** What a program takes from the package by name. */
const importedNames = (source) =>
  [...source.matchAll(/^import\s*\{([^}]*)\}\s*from '([^']*)'/gm)].flatMap(([, names, from]) =>
    from === packageName ? names.split(',').map((name) => name.replace(/^\s*type /, '').trim()) : [`a module ${from}`],
  );

/** Whether the float64 references can answer for a program: it only calls losses and activations that they have, rightly. */
function isFormula(source, names) {
  const used = importedNames(source);
  return (
    used.length > 0 && used.every((name) => names.includes(name)) && !/__throws\(|\.prepare\(|\brequire\(/.test(source)
  );
}

/** A folder where 'lossmith' is what `link` puts there, and the programs of the blocks. */
function placeBlocks(programs, link) {
  const folder = mkdtempSync(join(tmpdir(), 'snippets-'));
  mkdirSync(join(folder, 'node_modules'));
  link(join(folder, 'node_modules', packageName));
  const files = programs.map(({ source }, index) => {
    const { code } = transformSync(source, { loader: 'ts', target: 'node20', logLevel: 'silent' });
    const commonJs = /\brequire\(/.test(source) && !/^\s*import\s/m.test(source);
    const file = `block${index}.${commonJs ? 'cjs' : 'mjs'}`;
    writeFileSync(join(folder, file), code);
    return file;
  });
  writeFileSync(
    join(folder, 'run.mjs'),
    `const faults = [];
for (const file of process.argv.slice(2)) {
  try {
    await import(\`./\${file}\`);
  } catch (error) {
    faults.push([file, String(error).split('\\n')[0]]);
  }
}
console.log(JSON.stringify(faults));
`,
  );
  return { folder, files };
}

/** Runs programs one after the other in one process, and lists their faults. */
async function runBlocks(programs, link, note) {
  const { folder, files } = placeBlocks(programs, link);
  const preload = pathToFileURL(join(root, '.ci', 'snippet-checks.mjs')).href;
  try {
    const options = { cwd: folder, timeout: 300_000, maxBuffer: 1 << 26 };
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', preload, 'run.mjs', ...files], options);
    const found = JSON.parse(stdout.trimEnd().split('\n').at(-1));
    return found.map(([file, message]) => `${programs[files.indexOf(file)].where}: ${message}${note}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function sources(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'generated' ? [] : sources(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

/** The package by the float64 references of the tests, as one file. */
async function float64Package() {
  const path = join(root, 'test', 'readme', 'float64.ts');
  const shared = { bundle: true, format: 'esm', write: false, logLevel: 'silent' };
  const whole = await build({ ...shared, entryPoints: [path] });
  const text = whole.outputFiles[0].text;
  const { functions } = await import(`data:text/javascript;base64,${Buffer.from(text).toString('base64')}`);
  const names = Object.keys(functions);
  return {
    names,
    text: `${text}\n${names.map((name) => `const ${name}__ = functions.${name};`).join('\n')}
export { ${names.map((name) => `${name}__ as ${name}`).join(', ')} };\n`,
  };
}

const exported = Object.keys(await import(pathToFileURL(join(root, 'dist', 'index.js')).href));
const docs = existsSync(join(root, 'docs')) ? readdirSync(join(root, 'docs'), { recursive: true }) : [];
const pages = [
  ...(existsSync(join(root, 'README.md')) ? ['README.md'] : []),
  ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name.replaceAll('\\', '/')}`),
];
const blocks = [...pages.flatMap(markdownBlocks), ...sources('src').flatMap((path) => exampleBlocks(path, exported))];
const programs = blocks.map((block) => ({ where: block.where, source: program(block) }));
const { names, text } = await float64Package();
const formulas = programs.filter(({ source }) => isFormula(source, names));

const asInstalled = (path) => symlinkSync(root, path, 'junction');
const asFormulas = (path) => {
  mkdirSync(path);
  writeFileSync(join(path, 'package.json'), '{ "type": "module", "exports": "./index.js" }\n');
  writeFileSync(join(path, 'index.js'), text);
};
const faults = (
  await Promise.all([
    undocumented(root, exported),
    runBlocks(programs, asInstalled, ''),
    runBlocks(formulas, asFormulas, ' (by the float64 references)'),
  ])
).flat();
if (!pages.includes('README.md')) faults.push('README.md is missing');
const asserted = blocks.reduce((sum, { code }) => sum + (code.match(/\/\/ (=>|throws) /g)?.length ?? 0), 0);
for (const fault of faults) console.error(fault);
console.log(
  `${blocks.length} snippets (${formulas.length} of them by the formulas too), ${asserted} results, ${exported.length} exports, ${faults.length} faults`,
);
process.exitCode = faults.length > 0 ? 1 : 0;
