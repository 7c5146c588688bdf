// A Cloudflare Worker that scores logits: probabilities, labels and, where targets come along, the loss.
//
//   POST /score   JSON, or float32 as application/octet-stream; see README.md
//   GET  /        what there is
//   GET  /stats   the library's memory, where the variable DEBUG is "true"
//
// The library's kernels come in as WebAssembly modules that were compiled at deployment, and one engine serves all requests
// of an isolate. Requests are computed without tensors in its memory, so nothing has to be given back.

import { defaultEngine } from 'lossmith';
import { readBody } from './body.js';
import { binaryQuestion, jsonQuestion } from './question.js';
import { Refusal, refusalOf } from './refusal.js';
import { score } from './score.js';

const DEFAULT_MAX_BYTES = 1024 * 1024;
const LONGEST_MESSAGE = 400;
const BINARY = 'application/octet-stream';

const ROUTES = {
  '/': { GET: () => json(DESCRIPTION) },
  '/score': { POST: answer },
  '/stats': { GET: stats },
};

const DESCRIPTION = {
  'POST /score': {
    'application/json': '{ logits, mode?, axis?, threshold?, thresholds?, labels?, targets?, …options of the loss }',
    [BINARY]: 'float32, little-endian; ?shape=8,3 and the other fields in the query',
    answer: `{ probabilities, labels, loss?, count? }, or with Accept: ${BINARY} the probabilities alone`,
  },
};

export default {
  /** @param {Request} request @param {{ MAX_BYTES?: string, DEBUG?: string }} env */
  async fetch(request, env) {
    try {
      return await route(request, env);
    } catch (error) {
      const refusal = refusalOf(error);
      // a message may quote what was sent
      if (refusal) return json({ error: refusal.message.slice(0, LONGEST_MESSAGE) }, refusal.status, refusal.headers);
      console.error(error);
      return json({ error: 'internal error' }, 500);
    }
  },
};

function route(request, env) {
  const { pathname } = new URL(request.url);
  if (!Object.hasOwn(ROUTES, pathname)) throw new Refusal(404, `${pathname} is not here; POST /score is`);
  const methods = ROUTES[pathname];
  const method = request.method === 'HEAD' ? 'GET' : request.method; // the runtime leaves the body of a HEAD out
  if (Object.hasOwn(methods, method)) return methods[method](request, env);
  const allow = Object.keys(methods).join(', ');
  throw new Refusal(405, `${request.method} is not for ${pathname}, expected ${allow}`, { allow });
}

function stats(_request, env) {
  if (env.DEBUG !== 'true') throw new Refusal(404, '/stats needs the variable DEBUG = "true"');
  const engine = defaultEngine();
  return json({ tier: engine.tier, ...engine.stats() });
}

async function answer(request, env) {
  const question = await read(request, maxBytes(env));
  const wantsBytes = request.headers.get('accept')?.includes(BINARY) ?? false;
  const result = score(question);
  return wantsBytes ? bytes(result) : json(spell(result, question.nested));
}

/** The limit of a body. A variable that is no limit is the deployer's mistake, so it is not the sender who is refused. */
function maxBytes({ MAX_BYTES = DEFAULT_MAX_BYTES }) {
  const limit = Number(MAX_BYTES);
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new Refusal(500, `the worker's variable MAX_BYTES is ${JSON.stringify(MAX_BYTES)}, expected a number of bytes`);
}

/** The request as a question; nothing is read of a body whose kind is unknown. */
async function read(request, limit) {
  const type = (request.headers.get('content-type') ?? '').split(';')[0].trim().toLowerCase();
  if (type !== 'application/json' && type !== BINARY) {
    const got = type === '' ? 'missing' : JSON.stringify(type);
    throw new Refusal(415, `the content type is ${got}, expected application/json or ${BINARY}`);
  }
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity') {
    throw new Refusal(415, `the content encoding is ${JSON.stringify(encoding)}, expected none`);
  }
  const query = new URL(request.url).searchParams;
  if (type === BINARY) return binaryQuestion(await readBody(request, limit), query);
  if (query.size > 0) throw new Refusal(400, 'a query goes with a binary body; a JSON body holds the fields itself');
  return jsonQuestion(await readBody(request, limit));
}

/** A result as JSON holds it: nested arrays where the logits were nested, else { data, shape }. */
function spell(result, nested) {
  const entries = Object.entries(result).map(([name, value]) => [
    name,
    typeof value === 'number' ? value : nested ? nest(value) : { ...value, data: [...value.data] },
  ]);
  return Object.fromEntries(entries);
}

function nest({ data, shape }) {
  if (shape.length === 0) return data[0];
  let rows = [...data];
  for (let axis = shape.length - 1; axis > 0; axis--) {
    const size = shape[axis];
    const count = shape.slice(0, axis).reduce((product, length) => product * length, 1);
    rows = Array.from({ length: count }, (_, i) => rows.slice(i * size, (i + 1) * size));
  }
  return rows;
}

/** The probabilities alone, as float32; the headers have the shape and the loss. */
function bytes({ probabilities, loss, count }) {
  if (typeof loss === 'object') throw new Refusal(406, 'a loss per sample (reduction "none") needs a JSON answer');
  const headers = { 'content-type': BINARY, 'x-shape': probabilities.shape.join() };
  if (loss !== undefined) Object.assign(headers, { 'x-loss': String(loss), 'x-count': String(count) });
  return new Response(probabilities.data, { headers });
}

/** NaN and infinities, which JSON cannot say, become null. */
function json(value, status = 200, headers = {}) {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}
