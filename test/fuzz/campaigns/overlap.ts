/**
 * `out` in the same memory as another argument: the whole of the input is legal, in place; any other overlap is refused, or
 * else the result is right and the other argument as it was.
 */
import fc from 'fast-check';
import { Call, type Form, shown } from '../calls.ts';
import { program } from '../code.ts';
import type { Context } from '../context.ts';
import { calls, tinyShapes } from '../draws.ts';
import { errorWrong } from '../errors.ts';
import { Finding } from '../finding.ts';
import type { Outcome, Wrong } from '../judge.ts';
import { isActivation } from '../losses.ts';
import { copied } from '../outcome.ts';
import { literal, type Placed } from '../places.ts';
import { problemOf } from '../problem.ts';
import { Rejected } from '../rejected.ts';
import type { CallDraw, Operand } from '../types.ts';
import type { Campaign } from './campaign.ts';

const forms = ['fused', 'backward', 'prepare'] as const;

interface OverlapDraw {
  readonly call: CallDraw;
  readonly form: (typeof forms)[number];
  /** Which operand. */
  readonly at: number;
  /** Values by which `out` starts after it; negative: before it. */
  readonly shift: number;
  /** In the engine's memory, or in a buffer of the caller's own. */
  readonly memory: boolean;
}

/** The array type that an operand of a role may have, so that it can share a buffer. */
const typeOf = ({ role }: Operand) =>
  role === 'indices' || role === 'integers' || role === 'maps' ? Int32Array : Float32Array;

interface Shared {
  readonly argument: unknown;
  readonly array: Float32Array | Int32Array;
  readonly out: Float32Array;
  readonly lines: readonly string[];
  free(): void;
}

/** The operand and `out` as views of the same memory. */
function share(placed: Placed, call: Call, { shift, memory }: OverlapDraw): Shared {
  const { operand, name } = placed;
  const { data, shape } = operand.tensor;
  const Type = typeOf(operand);
  const size = call.problem.input.tensor.data.length;
  const start = Math.max(0, -shift);
  const from = Math.max(0, shift);
  const words = Math.max(start + data.length, from + size) + 2;
  const tensor = memory ? call.bench.engine.tensor([words]) : undefined;
  const buffer = tensor ? tensor.data.buffer : new ArrayBuffer(4 * words);
  const base = tensor ? tensor.data.byteOffset : 0;
  const array = new Type(buffer as ArrayBuffer, base + 4 * start, data.length);
  const out = new Float32Array(buffer as ArrayBuffer, base + 4 * from, size);
  array.set(data);
  const bare = operand.role === 'integers' || operand.role === 'list';
  const maps = operand.role === 'maps';
  const row = shape[1] ?? 0;
  const argument = bare
    ? array
    : maps
      ? Array.from({ length: shape[0] ?? 0 }, (_, m) => array.subarray(m * row, (m + 1) * row))
      : { data: array, shape: [...shape] };
  const form = bare
    ? 'array'
    : maps
      ? `[${(argument as unknown[]).map((_, m) => `array.subarray(${m * row}, ${(m + 1) * row})`).join(', ')}]`
      : `{ data: array, shape: [${shape.join(', ')}] }`;
  return {
    argument,
    array,
    out,
    free: () => tensor?.free(),
    lines: [
      memory
        ? `const { buffer, byteOffset } = engine.tensor([${words}]).data;`
        : `const [buffer, byteOffset] = [new ArrayBuffer(${4 * words}), 0];`,
      `const array = new ${Type.name}(buffer, byteOffset + ${4 * start}, ${data.length});`,
      `array.set([${literal(data)}]);`,
      `const out = new Float32Array(buffer, byteOffset + ${4 * from}, ${size});`,
      `const ${name} = ${form};`,
    ],
  };
}

function codeOf(call: Call, form: Form, placed: Placed, shared: Shared, { check, detail }: Wrong): string {
  const { statements, list, callee } = call.text(form);
  const others = statements.filter(
    (line) => !line.startsWith(`const ${placed.name} =`) && !line.startsWith(`${placed.name}.`),
  );
  const { record, second } = call.problem.entry;
  const size = call.problem.second?.tensor.data.length;
  const out = second === undefined ? 'out' : `out: { ${record.names[0]}: out, ${second}: new Float32Array(${size}) }`;
  const hasOptions = Object.keys(call.optionsOf('forward')).length > 0;
  const withOut = hasOptions ? list.replace(/ \}$/, `, ${out} }`) : `${list}, { ${out} }`;
  const run = form === 'prepare' ? `${callee}(${withOut})()` : `${callee}(${withOut})`;
  return program(call.bench, [...others, ...shared.lines, `console.log(${run}, array);`, `// ${check}: ${detail}`]);
}

function attempt(draw: OverlapDraw, context: Context): void {
  const problem = problemOf(draw.call);
  const { form, at, shift } = draw;
  if (isActivation(problem.entry) && form === 'prepare') throw new Rejected('activations have no steps');
  const bench = context.bench(draw.call.tier);
  const call = new Call(bench, problem, 'absent');
  const all = form === 'backward' ? call.operands : call.operands.slice(0, -1);
  const placed = all[at % all.length]!;
  const size = problem.input.tensor.data.length;
  const { length } = placed.operand.tensor.data;
  // a number is read before anything is written
  const number = placed === call.gradOutput && placed.operand.tensor.shape.length === 0;
  // the second step would have the first one's gradient as its input
  const twice = form === 'prepare' && placed === call.input && shift === 0;
  if (
    number ||
    twice ||
    size === 0 ||
    length === 0 ||
    shift >= length ||
    -shift >= size ||
    placed.operand.role === 'sparse'
  ) {
    call.free();
    throw new Rejected('they do not overlap');
  }
  let expected: Outcome;
  try {
    expected = copied(call.invoke(form, call.argumentsOf(form)));
  } catch {
    call.free();
    throw new Rejected('the legal call fails, which is for another campaign');
  }
  const shared = share(placed, call, draw);
  const fail = (wrong: Wrong): never => {
    throw new Finding(`${placed.operand.name} and out: ${wrong.check}`, wrong.detail, () =>
      codeOf(call, form, placed, shared, wrong),
    );
  };
  const inPlace = placed === call.input && shift === 0;
  try {
    context.counts.calls++;
    const got = copied(
      call.invoke(form, call.argumentsOf(form, { operand: [placed, shared.argument], out: call.outOf(shared.out) })),
    );
    if (inPlace && got.grad && expected.grad) {
      const i = got.grad.data.findIndex((v, k) => !Object.is(v, expected.grad!.data[k]));
      if (i >= 0)
        fail({ check: 'in place it differs', detail: `[${i}] is ${got.grad.data[i]}, and ${expected.grad.data[i]}` });
    }
    if (!inPlace) fail({ check: 'is accepted', detail: `out starts ${shift} values after it` });
  } catch (error) {
    if (error instanceof Finding) throw error;
    context.counts.errors++;
    const names = form === 'fused' ? [problem.op] : [`${problem.op}.${form}`];
    const wrong = errorWrong(error, names);
    if (wrong) fail(wrong);
    if (inPlace) fail({ check: 'is refused in place', detail: String(error) });
    const { data } = placed.operand.tensor;
    const i = shared.array.findIndex((v, k) => !Object.is(v, data[k]));
    if (i >= 0) fail({ check: 'is refused and written', detail: `[${i}] is ${shared.array[i]}, was ${data[i]}` });
  } finally {
    shared.free();
    call.free();
  }
}

/** Places without canaries of their own: the operand is put elsewhere anyhow. */
const plainPlace = (draw: CallDraw): CallDraw => ({ ...draw, out: 'absent' });

export const overlap: Campaign<OverlapDraw> = {
  name: 'overlap',
  share: 4,
  limit: 10,
  draws: (choice) =>
    fc.record({
      call: calls({ shapes: tinyShapes, ...choice }).map(plainPlace),
      form: fc.constantFrom(...forms),
      at: fc.nat({ max: 9 }),
      shift: fc.integer({ min: -3, max: 3 }),
      memory: fc.boolean(),
    }),
  attempt,
  features: ({ call }) => new Set([call.op]),
  show: ({ call, form }, context) => `${shown(call, form, context)}\n// with out over another argument`,
  gist: ({ call, form }) => new Set([call.op, form]),
  call: { get: ({ call }) => call, set: (draw, call) => ({ ...draw, call }) },
};
