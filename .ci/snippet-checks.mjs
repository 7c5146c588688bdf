// Preloaded into each snippet: the two functions its result comments are turned into (see snippets.mjs).
import { inspect } from 'node:util';

const plain = (value) => {
  if (ArrayBuffer.isView(value)) return Array.from(value, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (value && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value;
};

const print = (value) =>
  typeof value === 'string'
    ? value
    : inspect(plain(value), {
        depth: null,
        breakLength: Number.POSITIVE_INFINITY,
        maxArrayLength: null,
        compact: true,
      });

const numberPattern = /(-?\d+(?:\.(\d+))?(?:e([+-]?\d+))?)(…?)/i;

/** Splits printed text into alternating literal text and numbers with the error their last digit allows. */
function parse(text) {
  const parts = text.split(new RegExp(numberPattern, 'gi'));
  const tokens = [];
  for (let i = 0; i < parts.length; i += 5) {
    tokens.push(parts[i].replace(/[\s'"`]/g, ''));
    if (i + 1 >= parts.length) break;
    const [, number, decimals, exponent, cut] = parts.slice(i, i + 5);
    const lastDigit = 10 ** (Number(exponent ?? 0) - (decimals?.length ?? 0));
    const exact = decimals === undefined && exponent === undefined && cut === '';
    tokens.push({ value: Number(number), slack: exact ? 0 : lastDigit * (cut ? 1 : 0.5) * (1 + 1e-9) });
  }
  return tokens;
}

function agree(actual, expected) {
  const [have, want] = [parse(actual), parse(expected)];
  if (have.length !== want.length) return false;
  return want.every((token, i) =>
    typeof token === 'string' ? token === have[i] : Math.abs(token.value - have[i].value) <= token.slack,
  );
}

globalThis.__check = (values, expected) => {
  const actual = values.map(print).join(' ');
  if (!agree(actual, expected)) throw new Error(`got ${actual} where the comment says ${expected}`);
};

globalThis.__throws = (action, expected) => {
  let thrown;
  try {
    action();
  } catch (error) {
    thrown = String(error);
  }
  if (thrown === undefined) throw new Error(`nothing was thrown where the comment says ${expected}`);
  if (!thrown.includes(expected)) throw new Error(`threw "${thrown}" where the comment says ${expected}`);
};
