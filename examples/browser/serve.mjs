/**
 * A static server for the page: examples/ as it lies there, the built library and the penguins table. The page needs no
 * build step; its import map says where lossmith is.
 *
 *   npm start            in this folder; PORT=3000 npm start for another port
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Nobody else's business. */
const HOST = 'localhost';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What may be fetched, by the first part of the path. */
const folders = {
  browser: join(root, 'examples', 'browser'),
  penguins: join(root, 'examples', 'penguins'),
  lossmith: join(root, 'dist'),
  data: join(root, 'node_modules', 'vega-datasets', 'data'),
};

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
};

/** @param {string} path of a URL */
async function read(path) {
  const [, first, ...rest] = decodeURIComponent(path).split('/');
  const folder = Object.hasOwn(folders, first) ? folders[first] : undefined;
  const file = folder && normalize(join(folder, rest.join(sep) || 'index.html'));
  return file?.startsWith(folder + sep) ? { type: types[extname(file)], body: await readFile(file) } : undefined;
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://host');
  if (pathname === '/') return response.writeHead(302, { location: '/browser/' }).end();
  const found = await read(pathname).catch(() => undefined);
  if (!found?.type) return response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
  // the sources are edited while the page is open
  response.writeHead(200, { 'content-type': found.type, 'cache-control': 'no-store' }).end(found.body);
});

server.on('error', ({ code, message }) => {
  console.error(code === 'EADDRINUSE' ? 'The port is taken; PORT=3000 npm start uses another one.' : message);
  process.exitCode = 1;
});
server.listen(Number(process.env.PORT ?? 8080), HOST, () => {
  console.log(`Penguins are waiting at http://${HOST}:${server.address().port}/`);
});
