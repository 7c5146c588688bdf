/** Calls as programs that run by themselves: imports, what generates long arrays, the engine, the operands, the call. */
import type { Bench } from './bench.ts';
import { groupMaps, indices } from './drawn.ts';
import { nest } from './places.ts';
import { generate } from './values.ts';

/** Functions that long operands are written with, by name; each names nothing outside itself. */
const helpers: Readonly<Record<string, (...args: never) => unknown>> = { generate, indices, groupMaps, nest };

/** A program of these statements; `host` is what has the losses, `engine` its memory, `other` another engine. */
export function program(bench: Pick<Bench, 'code'>, statements: readonly string[]): string {
  const body = statements.join('\n');
  const used = Object.entries(helpers).filter(([name]) => new RegExp(`\\b${name}\\(`).test(body));
  return [
    "import * as lossmith from 'lossmith';",
    // a bundler may have given the function another name
    ...used.map(([name, helper]) => `const ${name} = ${helper.toString()};`),
    bench.code,
    ...(/\bother\./.test(body) ? ['const other = lossmith.createEngine();'] : []),
    body,
  ].join('\n');
}
