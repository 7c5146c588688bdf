/** Makes one file of the probe and the golden cases, which imports nothing but the package under test. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { goldenFiles } from '../golden.ts';

/** Every golden file of a loss or an activation but crossEntropyLarge, which is 2 MB, and what the probe has no forms for. */
const files = goldenFiles().filter((name) => !['crossEntropyLarge', 'linear', 'uncertaintyWeighted'].includes(name));

/** How the report leaves. */
const hosts = {
  /** One line of JSON on stdout. */
  print: 'console.log(JSON.stringify(report()));',
  /** Nothing runs until the importer calls `report()`. */
  export: 'export { report };',
  /** The body of a POST to /report. */
  post: "fetch('/report', { method: 'POST', body: JSON.stringify(report()) });",
} as const;

export interface ProbeBundle {
  readonly format: 'esm' | 'cjs';
  /** What stands in the import or require of the package; 'lossmith' unless a host needs a path. */
  readonly specifier?: string;
  readonly host: keyof typeof hosts;
}

/** The text of a self-contained probe. */
export async function bundleProbe({ format, specifier = 'lossmith', host }: ProbeBundle): Promise<string> {
  const entry = [
    `import * as lossmith from ${JSON.stringify(specifier)};`,
    "import { probe } from './runtimes/probe.ts';",
    ...files.map((name) => `import ${name} from './golden/${name}.json';`),
    `const report = () => probe(lossmith, [${files.join(', ')}]);`,
    hosts[host],
  ];
  const { outputFiles } = await build({
    stdin: { contents: entry.join('\n'), resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
    bundle: true,
    write: false,
    format,
    target: 'es2022',
    platform: 'neutral',
    external: [specifier],
    // one string per file: quicker to parse than literals, for runtimes and bundlers alike
    loader: { '.json': 'text' },
  });
  return outputFiles[0]!.text;
}
