/** Makes one file of the portable fuzzer, which imports nothing but the package under test. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Plan } from '../portable.ts';

/** How the report leaves. */
const hosts = {
  /** One line of JSON on stdout. */
  print: 'console.log(JSON.stringify(report()));',
  /** Nothing runs until the importer calls `report()`. */
  export: 'export { report };',
  /** The body of a POST to /report. */
  post: "fetch('/report', { method: 'POST', body: JSON.stringify(report()) });",
} as const;

export interface FuzzBundle {
  /** What stands in the import of the package; 'lossmith' unless a host needs a path. */
  readonly specifier?: string;
  readonly host: keyof typeof hosts;
  readonly plan: Plan;
}

/** The text of a self-contained module. */
export async function bundleFuzz({ specifier = 'lossmith', host, plan }: FuzzBundle): Promise<string> {
  const entry = [
    `import * as lossmith from ${JSON.stringify(specifier)};`,
    "import { fuzz } from './portable.ts';",
    `const report = () => fuzz(lossmith, ${JSON.stringify(plan)});`,
    hosts[host],
  ];
  const { outputFiles } = await build({
    stdin: { contents: entry.join('\n'), resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    external: [specifier],
  });
  return outputFiles[0]!.text;
}
