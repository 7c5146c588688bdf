/** Who may import whom: data and dependencies flow one way, from the entries down to the lanes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

interface Layer {
  readonly name: string;
  /** Matched against the path inside the folder, without extension. */
  readonly files: RegExp;
  /** Layers, and packages by name. A layer that does not name itself has no imports sideways. */
  readonly mayImport: readonly string[];
}

const assemblyLayers: readonly Layer[] = [
  { name: 'entry', files: /^generated\/index$/, mayImport: ['exports', 'losses'] },
  { name: 'exports', files: /^exports$/, mayImport: ['scan', 'linear', 'sums', 'plan'] },
  {
    name: 'losses',
    files: /^losses\/[\w/]+$/,
    mayImport: ['losses', 'classes', 'elements', 'sums', 'math', 'lane', 'plan'],
  },
  // a module of its own, in the memory of the other
  {
    name: 'decide',
    files: /^decide\/\w+$/,
    mayImport: ['decide', 'classes', 'elements', 'sums', 'math', 'lane', 'plan'],
  },
  { name: 'linear', files: /^linear\/\w+$/, mayImport: ['linear', 'sums', 'lane'] },
  { name: 'scan', files: /^scan$/, mayImport: ['classes', 'elements', 'lane', 'plan'] },
  { name: 'classes', files: /^classes\/\w+$/, mayImport: ['classes', 'sums', 'math', 'lane', 'plan'] },
  { name: 'elements', files: /^elements\/\w+$/, mayImport: ['elements', 'sums', 'math', 'lane', 'plan'] },
  { name: 'sums', files: /^sums$/, mayImport: ['math', 'lane', 'plan'] },
  { name: 'math', files: /^math\/\w+$/, mayImport: ['math', 'lane'] },
  { name: 'lane', files: /^lane\/\w+$/, mayImport: ['lane'] },
  { name: 'decode', files: /^(decode|contract)$/, mayImport: [] },
  { name: 'plan', files: /^plan$/, mayImport: [] },
];

const sourceLayers: readonly Layer[] = [
  // the entries beside the main one, and what they share; of the layers below that one they take types alone
  {
    name: 'decide',
    files: /^decide\/[\w/]+$/,
    mayImport: ['decide', 'shared', 'entry', 'machine', 'values', 'generated', 'wasm'],
  },
  // what a helper runs knows nothing of the entry
  {
    name: 'threads',
    files: /^threads\/\w+$/,
    mayImport: ['threads', 'entry', 'machine', 'declarations', 'api', 'values', 'generated'],
  },
  { name: 'metrics', files: /^metrics\/\w+$/, mayImport: ['metrics', 'shared', 'entry', 'values'] },
  { name: 'shared', files: /^entries\/\w+$/, mayImport: ['shared', 'entry', 'arguments', 'machine', 'values'] },
  { name: 'development', files: /^(generated\/)?development(\/\w+)?$/, mayImport: ['development', 'entry'] },
  { name: 'entry', files: /^index(\.\w+)?$/, mayImport: ['functions', 'declarations', 'api', 'values'] },
  { name: 'functions', files: /^functions\/\w+$/, mayImport: ['functions', 'declarations', 'api', 'losses', 'values'] },
  // the types of the functions, written out from their records
  {
    name: 'declarations',
    files: /^generated\/declarations$/,
    mayImport: ['functions', 'api', 'losses', 'values'],
  },
  {
    name: 'api',
    files: /^api\/\w+$/,
    mayImport: ['api', 'work', 'arguments', 'machine', 'losses', 'values', 'generated'],
  },
  { name: 'work', files: /^work\/[\w/]+$/, mayImport: ['work', 'arguments', 'machine', 'losses', 'values'] },
  // what checks arguments knows nothing of the machine
  { name: 'arguments', files: /^arguments\/\w+$/, mayImport: ['arguments', 'losses', 'values'] },
  {
    name: 'machine',
    files: /^machine\/[\w./]+$/,
    mayImport: ['machine', 'generated', 'values', 'wasm', '@assemblyscript/loader'],
  },
  { name: 'losses', files: /^losses\/\w+$/, mayImport: ['losses', 'values'] },
  { name: 'values', files: /^values\/\w+$/, mayImport: ['values'] },
  { name: 'generated', files: /^generated\/(?!declarations$|development$)\w+$/, mayImport: [] },
];

/** Paths inside `folder`, without the extension .ts. */
function modules(folder: string): string[] {
  const top = join(root, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
    .map((entry) => relative(top, join(entry.parentPath, entry.name)).replaceAll('\\', '/').replace(/\.ts$/, ''));
}

const textOf = (folder: string, module: string): string => readFileSync(join(root, folder, `${module}.ts`), 'utf8');

/** What a module imports or re-exports, as written. */
function importsOf(text: string): string[] {
  // without comments, and without texts that quote something
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|"[^"\n]*'[^"\n]*"/gm, '');
  const statements = /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/gm;
  return [...code.matchAll(statements)].map((match) => (match[1] ?? match[2])!);
}

function layerOf(layers: readonly Layer[], module: string): Layer {
  const found = layers.filter((layer) => layer.files.test(module));
  if (found.length === 1) return found[0]!;
  throw new Error(`${module} belongs to ${found.length} layers; give it one in test/house.test.ts`);
}

/** Every import of `folder` that breaks the rules. */
function breaches(folder: string, layers: readonly Layer[]): string[] {
  return modules(folder).flatMap((module) => {
    const { name, mayImport } = layerOf(layers, module);
    return importsOf(textOf(folder, module)).flatMap((specifier) => {
      const target = posix.join(posix.dirname(module), specifier).replace(/\.ts$/, '');
      const inside = specifier.startsWith('.') && !target.startsWith('..');
      const wasm = /\.wasm(\?module)?$/.test(specifier);
      const layer = wasm ? 'wasm' : inside ? layerOf(layers, target).name : specifier;
      return mayImport.includes(layer) ? [] : [`${folder}/${module} (${name}) imports ${specifier} (${layer})`];
    });
  });
}

/** The modules that one imports, types left out. */
function valuesOf(folder: string, module: string): string[] {
  const text = textOf(folder, module).replace(/^(import|export) type [^;]*;/gm, '');
  const targets = importsOf(text).filter((specifier) => specifier.startsWith('.'));
  return targets.map((to) => posix.join(posix.dirname(module), to).replace(/\.ts$/, ''));
}

/** The modules of `folder` that import each other in a ring, types left out. */
function rings(folder: string): string[] {
  const edges = new Map(modules(folder).map((module) => [module, valuesOf(folder, module)]));
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    (edges.get(from) ?? []).some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, to, seen);
    });
  return [...edges.keys()].filter((module) => reaches(module, module));
}

describe('layers', () => {
  test('the import parser sees every form', () => {
    const text = `import { a } from './a.ts';\nimport type {\n  B,\n} from './b';\nexport * from './c';\nimport './d';
// import './not';\nconst e = await import('./e');\nexport { f } from "./f";\nexport const g = 'from';\n`;
    expect(importsOf(text)).toEqual(['./a.ts', './b', './c', './d', './e', './f']);
  });

  test('a rule that is broken is reported', () => {
    const strict: Layer[] = assemblyLayers.map((layer) => ({ ...layer, mayImport: [] }));
    expect(breaches('assembly', strict).length).toBeGreaterThan(10);
  });

  test('assembly: exports → losses → (classes, elements) → sums → math → lane', () => {
    expect(breaches('assembly', assemblyLayers)).toEqual([]);
  });

  test('src: index → functions → api → work → (arguments, machine) → losses → values', () => {
    expect(breaches('src', sourceLayers)).toEqual([]);
  });

  test('what the other entries run of the main one they take from it, and never contain it', () => {
    const further = /^(decide|metrics|entries|development|threads)\//;
    const own = /^(decide|metrics|entries|development|threads)\/|^index$|^generated\/(decide|worker|plan)$/;
    const taken = modules('src')
      .filter((module) => further.test(module))
      .map((module) => valuesOf('src', module));
    expect(taken.flat()).toContain('index');
    expect(taken.flat().filter((to) => !own.test(to) && !to.endsWith('.wasm') && !to.includes('.wasm?'))).toEqual([]);
  });

  test('no modules import each other in a ring', () => {
    expect([...rings('assembly'), ...rings('src')]).toEqual([]);
  });
});

/** Lines that use a `.buffer` for something else than to compare it with another. */
function bufferUses(text: string): string[] {
  const harmless = /[\w.?#]+\.buffer [!=]== [\w.?#]+\.buffer|`[^`]*`/g; // a comparison, or what a message says
  return text.split('\n').filter((line) => /\.buffer\b/.test(line.replace(harmless, '')));
}

describe('memory', () => {
  test('only memory*.ts makes views of linear memory, and modules.ts of that of its decoder; the others compare buffers at most', () => {
    const others = modules('src').filter(
      (module) => !/^(machine\/(memory|modules\/|lower\/)|generated\/)/.test(module),
    );
    const uses = others.flatMap((module) =>
      bufferUses(textOf('src', module)).map((line) => `${module}: ${line.trim()}`),
    );
    expect(uses).toEqual([]);
  });
});
