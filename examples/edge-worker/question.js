// From bytes to a question: { logits, nested, fields }. `nested` says how to spell the answer; what the fields mean is
// checked by score.js and by the library.

import { tensor } from 'lossmith';
import { Refusal } from './refusal.js';

const MAX_AXES = 8;
/** Levels of nesting that any question can need: the fields, { data, shape } and the axes. */
const MAX_DEPTH = MAX_AXES + 2;

/** Reads JSON: logits as nested arrays or { data, shape }, and the other fields. */
export function jsonQuestion(bytes) {
  const body = parse(bytes);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Refusal(400, 'the body is not an object, expected { logits, … }');
  }
  if (isDeep(body, MAX_DEPTH)) throw new Refusal(400, `the body nests too deep, expected at most ${MAX_AXES} axes`);
  const { logits, ...fields } = body;
  if (typeof logits !== 'object' || logits === null) {
    throw new Refusal(
      400,
      `logits is ${JSON.stringify(logits) ?? 'missing'}, expected nested arrays or { data, shape }`,
    );
  }
  for (const [name, value] of Object.entries(body)) checkSize(name, value, bytes.length);
  const nested = Array.isArray(logits);
  if (!nested) checkShape(logits.shape);
  return { logits: tensor(logits), nested, fields };
}

function parse(bytes) {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new Refusal(400, `the body is not JSON: ${error.message}`);
  }
}

/** Says whether a value has more levels than `left`; stops there, whatever follows. */
function isDeep(value, left) {
  if (typeof value !== 'object' || value === null) return false;
  return left === 0 || Object.values(value).some((inner) => isDeep(inner, left - 1));
}

/**
 * Refuses rows whose first ones promise more values than the body can hold, before anybody reserves memory for them: a
 * long first row and a long list of empty ones fit in a small body.
 */
function checkSize(name, value, limit) {
  let size = 1;
  for (let row = value; Array.isArray(row) && row.length > 0; row = row[0]) size *= row.length;
  if (size > limit) throw new Refusal(400, `${name} is ragged: its first rows have another length than the others`);
}

function checkShape(shape) {
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new Refusal(400, 'shape is missing or no list of sizes, expected e.g. [8, 3]');
  }
  if (shape.length > MAX_AXES) throw new Refusal(400, `shape has ${shape.length} axes, expected at most ${MAX_AXES}`);
}

/** How the fields of a query are written. */
const FIELDS = {
  shape: numbers,
  mode: String,
  axis: number,
  threshold: number,
  thresholds: numbers,
  labels: numbers,
  targets: numbers,
  reduction: String,
  emptyMean: String,
  weight: numbers,
  posWeight: numbers,
  sampleWeight: numbers,
  ignoreIndex: number,
  ignoreValue: number,
  labelSmoothing: number,
  zLoss: number,
};

/** Reads float32, little-endian as WebAssembly and every machine it runs on; the query has the shape and the other fields. */
export function binaryQuestion(bytes, query) {
  const { shape, ...fields } = readQuery(query);
  checkShape(shape);
  if (bytes.length % 4 !== 0) throw new Refusal(400, `the body has ${bytes.length} bytes, expected a multiple of 4`);
  return { logits: tensor(new Float32Array(bytes.buffer), shape), nested: false, fields };
}

function readQuery(query) {
  const fields = {};
  for (const [name, text] of query) {
    if (!Object.hasOwn(FIELDS, name)) {
      throw new Refusal(400, `${name}: unknown field, expected one of ${Object.keys(FIELDS).join(', ')}`);
    }
    if (Object.hasOwn(fields, name)) throw new Refusal(400, `${name} is given twice`);
    fields[name] = FIELDS[name](text, name);
  }
  return fields;
}

function number(text, name) {
  const value = Number(text);
  if (text.trim() !== '' && !Number.isNaN(value)) return value;
  throw new Refusal(400, `${name} holds ${JSON.stringify(text)}, expected a number`);
}

function numbers(text, name) {
  return text === '' ? [] : text.split(',').map((part) => number(part, name));
}
