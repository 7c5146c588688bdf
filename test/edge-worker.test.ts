/**
 * The example of an edge worker over HTTP on loopback, in real workerd, with the package as npm packs it. Expected values
 * are the float64 reference's. Of 20,000 requests in one isolate `npm test` sends 2,000; LOSSMITH_LONG=1 sends them all.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { example, findWorkerd, type Running, type StartOptions, startWorker } from './edge-worker/example.ts';
import { load } from './edge-worker/load.ts';
import { BINARY_TYPE, JSON_TYPE, logitsOf, type Nested, nest } from './edge-worker/values.ts';
import { type ReferenceOp, type ReferenceOptions, reference, tensor64 } from './reference/index.ts';
import { notInstalled } from './runtimes/installed.ts';
import { installPackage } from './runtimes/project.ts';

const missing = findWorkerd() === undefined;
const skipped = missing && process.env.LOSSMITH_RUNTIMES !== 'all';
const title = missing ? `edge worker: ${notInstalled('workerd')}` : 'edge worker';
const REQUESTS = process.env.LOSSMITH_LONG === '1' ? 20_000 : 2_000;
const DATES = ['2024-01-01', '2026-11-01'];

interface Answer {
  readonly probabilities: Nested;
  readonly labels: Nested;
  readonly loss?: Nested | null;
  readonly count?: number;
  readonly componentLosses?: Nested;
}

const flat = (value: Nested): number[] => (typeof value === 'number' ? [value] : value.flatMap(flat));

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  const error = Array.from(expected, (value, i) => Math.abs(actual[i]! - value) / Math.max(1e-3, Math.abs(value)));
  expect(Math.max(0, ...error)).toBeLessThan(2e-6);
}

describe.skipIf(skipped)(title, () => {
  let project: Awaited<ReturnType<typeof installPackage>>;
  let folder: string;

  beforeAll(async () => {
    project = await installPackage();
    folder = project.scratch('edge-worker');
    for (const name of readdirSync(example)) if (name.endsWith('.js')) cpSync(join(example, name), join(folder, name));
  });
  afterAll(() => project?.remove());

  const start = (settings: Partial<StartOptions> = {}): Promise<Running> =>
    startWorker({ entry: join(folder, 'worker.js'), compatibilityDate: DATES[0]!, ...settings });

  describe.each(DATES)('compatibility date %s', (compatibilityDate) => {
    let worker: Running;
    beforeAll(async () => {
      worker = await start({ compatibilityDate, variables: { DEBUG: 'true', MAX_BYTES: 20_000 } });
    });
    afterAll(() => worker?.stop());

    const post = (body: RequestInit['body'], headers: Record<string, string> = JSON_TYPE, query = '') =>
      fetch(`${worker.address}/score${query}`, { method: 'POST', headers, body: body ?? null });
    const ask = async (question: unknown): Promise<Answer> => {
      const response = await post(JSON.stringify(question));
      const text = await response.text();
      expect(response.status, text).toBe(200);
      return JSON.parse(text) as Answer;
    };

    test('describes itself; runs the relaxed tier', async () => {
      const response = await fetch(`${worker.address}/`);
      expect(await response.json()).toHaveProperty('POST /score');
      const stats = await (await fetch(`${worker.address}/stats`)).json();
      expect(stats).toMatchObject({ tier: 'relaxed', bytesInUse: 0, liveTensors: 0 });
    });

    const softmaxCases: [string, number[], ReferenceOptions & { labels?: number[] }, number[]][] = [
      ['[6, 3]', [6, 3], {}, [0, 2, 1, 1, 0, 2]],
      ['one sample', [5], {}, [3]],
      ['[2, 3, 4]', [2, 3, 4], { ignoreIndex: 2 }, [0, 1, 2, 0, 1, 2, 0, 1]],
      ['[2, 4, 3], classes last', [2, 4, 3], { axis: -1, labelSmoothing: 0.1 }, [0, 1, 2, 0, 1, 2, 0, 1]],
      ['classes -1, 0, 1, a loss per sample', [3, 3], { labels: [-1, 0, 1], reduction: 'none' }, [-1, 1, 0]],
      [
        'parts of a label',
        [3, 4],
        {
          components: [
            [0, 0, 1, 1],
            [0, 1, 0, 1],
          ],
          weights: [2, 0.5],
        },
        [0, 3, 2],
      ],
    ];
    test.each(softmaxCases)('softmax, argmax and loss: %s', async (_, shape, options, targets) => {
      const input = logitsOf(shape);
      const axis = options.axis ?? (shape.length === 1 ? 0 : 1);
      const at = axis < 0 ? axis + shape.length : axis;
      const lossShape = shape.filter((_, i) => i !== at);
      const op: ReferenceOp = options.components ? 'componentCrossEntropy' : 'crossEntropy';
      const expected = reference(op, { input, target: tensor64(targets, lossShape) }, options);
      const probabilities = reference('softmax', { input }, { axis }).loss;

      const logits = nest([...input.data], shape);
      const answer = await ask({ logits, mode: 'softmax', targets: nest(targets, lossShape), ...options });
      expectClose(flat(answer.probabilities), probabilities.data);
      expectClose(flat(answer.loss!), expected.loss.data);
      expect(answer.count).toBe(expected.count);
      if (expected.componentLosses) expectClose(flat(answer.componentLosses!), expected.componentLosses.data);

      const inner = shape.slice(at + 1).reduce((product, size) => product * size, 1);
      const classes = shape[at]!;
      const best = Array.from({ length: input.data.length / classes }, (_, i) => {
        const offset = Math.floor(i / inner) * classes * inner + (i % inner);
        const row = Array.from({ length: classes }, (_, c) => input.data[offset + c * inner]!);
        const c = row.indexOf(Math.max(...row));
        return options.labels ? options.labels[c]! : c;
      });
      expect(answer.labels).toEqual(nest(best, lossShape));

      const { axis: given, labels } = options;
      const without = await ask({ logits: { data: [...input.data], shape }, axis: given, labels });
      expect(without).toEqual({
        probabilities: { data: flat(answer.probabilities), shape },
        labels: { data: best, shape: lossShape },
      });
    });

    test('sigmoid, thresholds and loss', async () => {
      const input = logitsOf([5, 3]);
      const targets = [1, 0, -1, 0, 0, 1, 1, 1, 0, -1, -1, -1, 0.5, 1, 0];
      const target = tensor64(targets, [5, 3]);
      const probabilities = reference('sigmoid', { input }).loss.data;
      const posWeight = [2, 1, 0.5];
      const expected = reference(
        'bceWithLogits',
        { input, target },
        { ignoreValue: -1, posWeight: tensor64(posWeight) },
      );
      const logits = nest([...input.data], [5, 3]);
      const thresholds = [0.2, 0.5, 0.9];
      const options = { targets: nest(targets, [5, 3]), ignoreValue: -1, posWeight };
      const answer = await ask({ logits, mode: 'sigmoid', thresholds, ...options });
      expectClose(flat(answer.probabilities), probabilities);
      expectClose([answer.loss as number], expected.loss.data);
      expect(answer.count).toBe(11);
      const labels = (limits: number[]) =>
        nest(
          Array.from(probabilities, (p, i) => (p >= limits[i % 3]! ? 1 : 0)),
          [5, 3],
        );
      expect(answer.labels).toEqual(labels(thresholds));
      expect((await ask({ logits, mode: 'sigmoid' })).labels).toEqual(labels([0.5, 0.5, 0.5]));
      expect((await ask({ logits, mode: 'sigmoid', threshold: 0.8 })).labels).toEqual(labels([0.8, 0.8, 0.8]));
    });

    test('binary bodies and answers', async () => {
      const shape = [4, 3, 47];
      const input = logitsOf(shape);
      const targets = Array.from({ length: 4 * 47 }, (_, i) => (i % 4) - 1);
      const query = `?shape=${shape}&labels=-1,0,1&targets=${targets}&ignoreIndex=2`;
      const target = tensor64(targets, [4, 47]);
      const expected = reference('crossEntropy', { input, target }, { labels: [-1, 0, 1], ignoreIndex: 2 });
      const probabilities = reference('softmax', { input }, { axis: 1 }).loss.data;
      const body = Float32Array.from(input.data);

      const bytes = await post(body, { ...BINARY_TYPE, accept: 'application/octet-stream' }, query);
      expect(bytes.headers.get('content-type')).toBe('application/octet-stream');
      expect(bytes.headers.get('x-shape')).toBe('4,3,47');
      expect(Number(bytes.headers.get('x-count'))).toBe(expected.count);
      expectClose([Number(bytes.headers.get('x-loss'))], expected.loss.data);
      const answered = new Float32Array(await bytes.arrayBuffer());
      expectClose(answered, probabilities);

      const json = await (await post(body, BINARY_TYPE, query)).json();
      expect(json).toMatchObject({ probabilities: { data: [...answered], shape }, count: expected.count });
      expect(json.labels.shape).toEqual([4, 47]);
    });

    test('empty batches', async () => {
      expect(await ask({ logits: [] })).toEqual({ probabilities: [], labels: [] });
      const scored = { probabilities: [], labels: [], loss: null, count: 0 };
      expect(await ask({ logits: [], mode: 'sigmoid', targets: [] })).toEqual(scored);
      const response = await post(new Uint8Array(0), BINARY_TYPE, '?shape=0,3&targets=');
      const empty = (shape: number[]) => ({ data: [], shape });
      expect(await response.json()).toEqual({ ...scored, probabilities: empty([0, 3]), labels: empty([0]) });
    });

    const refusals: [string | object, RegExp][] = [
      ['', /not JSON/],
      ['{"logits":', /not JSON/],
      ['[]', /not an object/],
      ['null', /not an object/],
      ['{}', /logits is missing/],
      [{ logits: null }, /logits is null/],
      [{ logits: 'abc' }, /logits is "abc"/],
      [{ logits: [[1, null]] }, /logits\[0\]\[1\] is null, expected a number/],
      [{ logits: [[1, '2']] }, /logits\[0\]\[1\] is "2", expected a number/],
      [{ logits: [[1, 2], [3]] }, /logits is ragged: row \[1\]/],
      [{ logits: [Array(2000).fill(0), ...Array(2000).fill([])] }, /logits is ragged/],
      [{ logits: [[1, 2]], targets: [Array(2000).fill(0), ...Array(2000).fill([])] }, /targets is ragged/],
      [`{"logits":${'['.repeat(9000)}${']'.repeat(9000)}}`, /too deep/],
      [{ logits: { data: [1, 2], shape: [3] } }, /logits has 2 values, but its shape \[3\] needs 3/],
      [{ logits: { data: [1, 2], shape: ['2'] } }, /no list of sizes/],
      [{ logits: { data: [], shape: [1e9, 0] } }, /no class along axis 1/],
      ['{"logits":[[1,1e999]]}', /no probability for value 0/],
      [{ logits: [[1, 2]], mode: 'maximum' }, /mode is "maximum"/],
      [{ logits: [[1, 2]], axis: 2 }, /axis is 2, expected an integer from -2 to 1/],
      [{ logits: [[1, 2]], threshold: 0.5 }, /threshold does not go with mode "softmax"/],
      [{ logits: [[1, 2]], mode: 'sigmoid', threshold: '0.5' }, /threshold is "0.5"/],
      [{ logits: [[1, 2]], mode: 'sigmoid', thresholds: [0.5] }, /expected 2 numbers/],
      [{ logits: [[1, 2]], labels: [1, 1] }, /expected 2 distinct integers/],
      [{ logits: [[1, 2]], ignoreIndex: 1 }, /needs targets/],
      [{ logits: [[1, 2]], targets: [2] }, /crossEntropy.*target\[0\] is 2, outside \[0, 2\)/],
      [{ logits: [[1, 2]], targets: [null] }, /target\[0\] is null/],
      [{ logits: [[1, 2]], targets: [0], color: 1 }, /unknown option "color"/],
      [{ logits: [[1, 2]], targets: [0], components: Array(33).fill([0, 1]) }, /at most 32/],
    ];
    test.each(refusals)('refuses %j', async (body, message) => {
      const response = await post(typeof body === 'string' ? body : JSON.stringify(body));
      await expectRefusal(response, 400, message);
    });

    test.each([
      ['', 8, /shape is missing/],
      ['?shape=3', 8, /logits has 2 values/],
      ['?shape=2&shape=2', 8, /given twice/],
      ['?shape=2&colour=1', 8, /colour: unknown field/],
      ['?shape=2&axis=x', 8, /axis holds "x"/],
      ['?shape=2', 7, /7 bytes, expected a multiple of 4/],
    ])('refuses a binary body with %j and %i bytes', async (query, size, message) => {
      await expectRefusal(await post(new Uint8Array(size), BINARY_TYPE, query), 400, message);
    });

    test('refuses bytes that are no text, and floats that are no numbers', async () => {
      await expectRefusal(await post(Uint8Array.of(0xff, 0xfe)), 400, /not JSON/);
      const body = Float32Array.of(1, 2, 3, Number.NaN);
      await expectRefusal(await post(body, BINARY_TYPE, '?shape=2,2'), 400, /no probability for value 2/);
    });

    test('refuses other types, methods and paths', async () => {
      await expectRefusal(await post('{}', { 'content-type': 'text/plain' }), 415, /"text\/plain"/);
      await expectRefusal(await post('{}', { ...JSON_TYPE, 'content-encoding': 'gzip' }), 415, /"gzip"/);
      await expectRefusal(await post('{}', JSON_TYPE, '?mode=sigmoid'), 400, /query/);
      await expectRefusal(await fetch(`${worker.address}/constructor`), 404, /not here/);
      const get = await fetch(`${worker.address}/score`);
      expect(get.headers.get('allow')).toBe('POST');
      await expectRefusal(get, 405, /expected POST/);
    });

    test('takes a body of the limit and refuses a longer one', async () => {
      const fits = await post(new Uint8Array(20_000), BINARY_TYPE, '?shape=5,1000');
      expect(fits.status).toBe(200);
      expect((await fits.json()).labels.data).toEqual([0, 0, 0, 0, 0]);
      await expectRefusal(await post(new Uint8Array(20_004), BINARY_TYPE, '?shape=5001'), 413, /larger than 20000/);
    });

    const head = 'POST /score HTTP/1.1\r\nHost: worker\r\nContent-Type: application/json\r\n';
    const chunk = (size: number) => `${size.toString(16)}\r\n${' '.repeat(size)}\r\n`;
    test.each([
      ['announced too long', `${head}Content-Length: 20001\r\n\r\n`, 413, /larger than 20000/],
      ['of unknown length, and too long', `${head}Transfer-Encoding: chunked\r\n\r\n${chunk(20_001)}`, 413, /larger/],
      ['broken off', `${head}Transfer-Encoding: chunked\r\n\r\n${chunk(9)}nonsense\r\n`, 400, /broke off after 9/],
      ['missing', `${head}\r\n`, 400, /not JSON/],
    ])('a body %s is refused before its end', async (_, text, status, message) => {
      // none of these requests ends: an answer shows that the worker did not wait for more
      const response = await converse(worker.address, text);
      expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect((JSON.parse(response.split('\r\n\r\n')[1]!) as { error: string }).error).toMatch(message);
    });

    test('a body of unknown length within the limit is scored', async () => {
      const body = '{"logits":[[0,0]]}';
      const size = body.length.toString(16);
      const text = `${head}Transfer-Encoding: chunked\r\n\r\n${size}\r\n${body}\r\n0\r\n\r\n`;
      expect(await converse(worker.address, text)).toContain('{"probabilities":[[0.5,0.5]],"labels":[0]}');
    });
  });

  test('without DEBUG there are no statistics; a limit that is none is the deployer’s mistake', async () => {
    const worker = await start({ variables: { MAX_BYTES: 'much' } });
    try {
      await expectRefusal(await fetch(`${worker.address}/stats`), 404, /DEBUG/);
      const response = await fetch(`${worker.address}/score`, { method: 'POST', headers: JSON_TYPE, body: '{}' });
      await expectRefusal(response, 500, /MAX_BYTES is "much"/);
    } finally {
      await worker.stop();
    }
  });

  test(`memory stays bounded over ${REQUESTS} requests in one isolate`, { timeout: 180_000 }, async () => {
    // the worker itself, and a path that collects garbage, so that what the process keeps is what somebody holds
    const entry = join(folder, 'collecting.js');
    writeFileSync(
      entry,
      `import worker from './worker.js';
const collect = () => new Response(String(gc()));
const isCollect = (request) => new URL(request.url).pathname === '/collect';
export default { fetch: (request, env) => (isCollect(request) ? collect() : worker.fetch(request, env)) };
`,
    );
    const worker = await start({ entry, variables: { DEBUG: 'true' }, v8Flags: ['--expose-gc'] });
    try {
      await load(worker, REQUESTS);
    } finally {
      await worker.stop();
    }
  });

  test('serve.mjs says its address, answers and leaves nothing behind', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'lossmith-serve-'));
    const env = { ...process.env, TMPDIR: temporary };
    const child = execFile(process.execPath, [join(example, 'serve.mjs'), '--port', '0'], { env });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    try {
      const printed = new Promise<string>((resolve) => child.stdout!.once('data', resolve));
      const line = await Promise.race([printed, ended]);
      expect(line).toMatch(/^http:\S+ answers/);
      const address = String(line).split(' ')[0]!;
      const response = await fetch(`${address}/score`, {
        method: 'POST',
        headers: JSON_TYPE,
        body: '{"logits":[0,0]}',
      });
      expect(await response.json()).toEqual({ probabilities: [0.5, 0.5], labels: 0 });
      child.kill('SIGINT');
      expect(await ended).toBe(0);
      expect(readdirSync(temporary)).toEqual([]);
      await expect(fetch(address)).rejects.toThrow();
    } finally {
      child.kill(); // where an expectation failed before the end
      await ended;
      rmSync(temporary, { recursive: true, force: true });
    }
  });
});

async function expectRefusal(response: Response, status: number, message: RegExp): Promise<void> {
  expect(response.headers.get('content-type')).toBe('application/json');
  const { error } = (await response.json()) as { error: string };
  expect(error).toMatch(message);
  expect(response.status).toBe(status);
}

/** Sends bytes as they are and reads until the answer is complete or the connection ends. */
function converse(address: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(address).port), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8').on('data', (part) => {
      answer += part;
      if (/\r\n\r\n.*\n$/s.test(answer)) socket.destroy();
    });
    socket.once('close', () => resolve(answer)).once('error', reject);
  });
}
