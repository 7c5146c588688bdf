// What the build does to the compiled module: it makes it smaller, and the relaxed tier of it.

import binaryen from 'binaryen';
import { bodiesOf, order, reorder } from './order.mjs';

/** Everything but what the runtimes of the simd tier need not know. */
const FEATURES = binaryen.Features.All & ~binaryen.Features.GC & ~binaryen.Features.ReferenceTypes;

/** The binary of a module in text. */
function assemble(text) {
  const module = binaryen.parseText(text);
  module.setFeatures(FEATURES);
  if (!module.validate()) throw new Error('the optimized module is not valid');
  return Buffer.from(module.emitBinary());
}

/** A module in text, smaller than the compiler left it. */
function shrink(binary) {
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(2);
  const module = binaryen.readBinary(binary);
  module.setFeatures(FEATURES);
  module.optimize();
  module.runPasses(['merge-locals', 'coalesce-locals']);
  const text = byFirstUse(module.emitText());
  return reorder(text, order(bodiesOf(assemble(text))));
}

/** The text with the locals of each function in the order in which it uses them: what is alike has like numbers, which gzip finds. */
const byFirstUse = (text) =>
  text.replaceAll(/^( \(func [^\n]*\n)((?: {2}\(local [^\n]*\n)+)((?: {2}.*\n)* \)\n)/gm, (_, head, locals, body) => {
    const uses = [...body.matchAll(/\(local\.\w+ (\S+?)[\s)]/g)].map(([, name]) => name);
    const places = new Map(uses.reverse().map((name, i) => [name, uses.length - i]));
    const placeOf = (line) => places.get(/\(local (\S+) /.exec(line)[1]);
    const lines = locals.trimEnd().split('\n');
    return `${head}${lines.sort((a, b) => placeOf(a) - placeOf(b)).join('\n')}\n${body}`;
  });

/** The simd tier out of the compiler's binary. */
export const optimizeSimd = (binary) => assemble(shrink(binary));

/** The simd tier, and the relaxed tier, which differs from it in multiply-adds alone. */
export function optimize(binary) {
  const text = shrink(binary);
  return { simd: assemble(text), relaxed: assemble(named(contract(text), 2)) };
}

/** Where the parenthesis at `open` is closed. */
function closing(text, open) {
  let depth = 0;
  for (let i = open; ; i++) {
    if (text[i] === '(') depth += 1;
    else if (text[i] === ')' && --depth === 0) return i;
  }
}

/** Each sum whose first term is a product becomes one instruction: (add (mul a b) c), (relaxed_madd a b c). */
function contract(text) {
  const MUL = '(f32x4.mul';
  const edits = [];
  for (const { index } of text.matchAll(/\(f32x4\.add\s+\(f32x4\.mul/g)) {
    const product = text.indexOf(MUL, index);
    const end = closing(text, product);
    edits.push([index, product + MUL.length, '(f32x4.relaxed_madd'], [end, end + 1, '']);
  }
  edits.sort(([a], [b]) => a - b);
  let out = '';
  let at = 0;
  for (const [from, to, instead] of edits) {
    out += text.slice(at, from) + instead;
    at = to;
  }
  return out + text.slice(at);
}

/** The module with another number of its tier. */
function named(text, tier) {
  const [, name] = /\(export "tier" \(func (\S+)\)\)/.exec(text);
  const start = text.indexOf(`(func ${name} `);
  const end = closing(text, start);
  return (
    text.slice(0, start) + text.slice(start, end).replace('(i32.const 1)', `(i32.const ${tier})`) + text.slice(end)
  );
}
