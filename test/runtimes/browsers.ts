/** The rows of browsers: the package as a static server gives it, with and without a policy, and through bundlers. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { type BrowserName, missingBrowser, visit } from './browser/browser.ts';
import { loopback, mailbox, type Served, type Site, serve } from './browser/server.ts';
import { missing, modulePath, tool } from './installed.ts';
import { pageFiles, readReport } from './pages.ts';
import type { Project, Report, Row } from './types.ts';

interface Kind {
  readonly name: BrowserName;
  readonly runtime: RegExp;
  readonly tier: Report['tier'];
}

const chromium: Kind = { name: 'chromium', runtime: /Chrome\/\d/, tier: 'relaxed' };

const kinds: readonly Kind[] = [
  chromium,
  { name: 'firefox', runtime: /\bFirefox\/\d/, tier: 'relaxed' },
  // WebKitGTK has relaxed SIMD behind a switch
  { name: 'webkit', runtime: /^(?!.*Chrome).*\bVersion\/\d[\d.]* Safari\//, tier: 'simd' },
];

/** What a page needs at least to run WebAssembly under a policy. */
const policy = "script-src 'self' 'wasm-unsafe-eval'";

/** Opens a page in a browser; `guarded` says whether its policy has to forbid eval. */
async function reportOf(kind: Kind, served: Pick<Served, 'url' | 'report'>, guarded = false): Promise<Report> {
  const { evalAllowed, ...report } = readReport(await visit(kind.name, served.url, served.report));
  if (evalAllowed === guarded) throw new Error(`the page ${evalAllowed ? 'may' : 'may not'} use eval`);
  return report;
}

async function reportOfSite(kind: Kind, site: Site, guarded = false): Promise<Report> {
  const served = await serve(site);
  try {
    return await reportOf(kind, served, guarded);
  } finally {
    await served.close();
  }
}

const staticRow = (kind: Kind, guarded: boolean): Row => ({
  name: `${kind.name}, static server${guarded ? ', content security policy' : ''}`,
  group: 'browsers',
  missing: () => missingBrowser(kind.name),
  runtime: kind.runtime,
  tier: kind.tier,
  async run({ folder }) {
    const texts = await pageFiles('/node_modules/lossmith/dist/index.js');
    const headers: Record<string, string> = guarded ? { 'content-security-policy': policy } : {};
    return reportOfSite(kind, { folder, texts, headers }, guarded);
  },
});

/** The part of Vite that the rows use. */
interface Vite {
  build(config: object): Promise<unknown>;
  createServer(config: object): Promise<ViteServer>;
}

interface ViteServer {
  readonly middlewares: {
    use(path: string, handler: (request: IncomingMessage, response: ServerResponse) => void): void;
  };
  readonly resolvedUrls: { readonly local: readonly string[] } | null;
  listen(): Promise<unknown>;
  close(): Promise<void>;
}

const loadVite = async (): Promise<Vite> => (await import(pathToFileURL(modulePath('vite')).href)) as Vite;

const missingVite = (): string | undefined => missing('Vite', tool('vite'));

/** Writes the page as the sources of a project that imports lossmith by its name. */
async function writeSources(project: Project, name: string): Promise<string> {
  const folder = project.scratch(name);
  const files = await pageFiles('lossmith');
  // Vite copies what is there as it is
  await mkdir(join(folder, 'public'));
  for (const [path, text] of Object.entries(files)) {
    await writeFile(join(folder, path === '/errors.js' ? 'public' : '.', basename(path)), text);
  }
  return folder;
}

const viteConfig = (root: string): object => ({
  root,
  configFile: false,
  logLevel: 'error',
  cacheDir: join(root, '.vite'),
});

async function viteDev(project: Project): Promise<Report> {
  const folder = await writeSources(project, 'vite-dev');
  const { report, receive } = mailbox();
  const mail = {
    name: 'report',
    // a result would be called, once Vite is set up
    configureServer({ middlewares }: ViteServer): void {
      middlewares.use('/report', receive);
    },
  };
  const { createServer } = await loadVite();
  const server = await createServer({
    ...viteConfig(folder),
    plugins: [mail],
    server: { host: loopback, port: 0 },
  });
  try {
    await server.listen();
    const url = server.resolvedUrls?.local[0];
    if (url === undefined) throw new Error('Vite does not listen');
    const found = await reportOf(chromium, { url, report });
    // the page must have had the package as Vite prepares dependencies, not as a plain file
    if (!existsSync(join(folder, '.vite', 'deps', 'lossmith.js'))) throw new Error('Vite has not pre-bundled lossmith');
    return found;
  } finally {
    await server.close();
  }
}

async function viteBuild(project: Project): Promise<Report> {
  const folder = await writeSources(project, 'vite-build-page');
  const vite = await loadVite();
  await vite.build(viteConfig(folder));
  return reportOfSite(chromium, { folder: join(folder, 'dist') });
}

async function esbuildBundle(project: Project): Promise<Report> {
  const folder = await writeSources(project, 'esbuild-page');
  const site = join(folder, 'public');
  await copyFile(join(folder, 'index.html'), join(site, 'index.html'));
  const entryPoints = [join(folder, 'main.js')];
  await build({ entryPoints, outdir: site, bundle: true, minify: true, format: 'esm', platform: 'browser' });
  return reportOfSite(chromium, { folder: site });
}

const bundledRow = (name: string, missing: () => string | undefined, run: Row['run']): Row => ({
  name: `${chromium.name}, ${name}`,
  group: 'browsers',
  missing: () => missingBrowser(chromium.name) ?? missing(),
  runtime: chromium.runtime,
  tier: chromium.tier,
  run,
});

/** Every browser from a static server; what bundlers and development servers make, in Chromium. */
export const browserRows = (): readonly Row[] => [
  ...kinds.flatMap((kind) => [staticRow(kind, false), staticRow(kind, true)]),
  bundledRow('Vite development server', missingVite, viteDev),
  bundledRow('Vite build', missingVite, viteBuild),
  bundledRow('esbuild', () => undefined, esbuildBundle),
];
