/**
 * A static server for pages that are tested in a browser: files of a folder and texts made for the occasion, on loopback,
 * at a port that the system chooses. A page answers by POST to /report.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';
import { text } from 'node:stream/consumers';

export const loopback = '127.0.0.1';

/** Modules and WebAssembly are refused under any other type. */
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

const typeOf = (path: string): string => types[extname(path)] ?? 'application/octet-stream';

export interface Site {
  /** Files are taken from here. */
  readonly folder: string;
  /** Path → text, before the files of the folder. */
  readonly texts?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Served {
  /** Ends with a slash. */
  readonly url: string;
  /** What the page sends to /report. */
  readonly report: Promise<string>;
  close(): Promise<void>;
}

/** The place that a page reports to, for any server of node:http's kind; the first report counts. */
export function mailbox() {
  let deliver = (_text: string): void => {};
  const report = new Promise<string>((resolve) => {
    deliver = resolve;
  });
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    deliver(await text(request));
    response.writeHead(204).end();
  };
  return { report, receive };
}

async function fileIn(folder: string, path: string): Promise<Buffer | undefined> {
  const file = normalize(join(folder, path));
  if (!file.startsWith(normalize(folder) + sep)) return undefined;
  try {
    return await readFile(file);
  } catch {
    return undefined;
  }
}

/** Serves a site until it is closed. */
export async function serve({ folder, texts = {}, headers = {} }: Site): Promise<Served> {
  const { report, receive } = mailbox();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', `http://${loopback}`);
    if (request.method === 'POST' && pathname === '/report') return receive(request, response);
    const path = decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname);
    const body = texts[path] ?? (await fileIn(folder, path));
    if (body === undefined) response.writeHead(404, { 'content-type': 'text/plain' }).end(`no ${path}`);
    else response.writeHead(200, { ...headers, 'content-type': typeOf(path) }).end(body);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, loopback);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${loopback}:${port}/`,
    report,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
