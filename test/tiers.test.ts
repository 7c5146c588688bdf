/**
 * Every tier passes the golden cases and the properties, as the files of those tests say, on an engine of that tier; and
 * `deterministic: true` gives the bits that test/golden/hashes.json holds. After a change of a kernel that is meant to
 * change bits, `LOSSMITH_HASHES=write npx vitest run test/tiers.test.ts` writes that file anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEngine, defaultEngine } from '../src/index.ts';
import { moduleOf } from '../src/machine/modules/index.ts';
import { gradientsOf, type Tensor32 } from './calls.ts';
import { PlacedCall, placements } from './placement.ts';
import { whole } from './sample.ts';
import {
  activationCases,
  activationNames,
  activationOf,
  hashes,
  lossCases,
  lossNames,
  lossResults,
  oddNaNs,
  tiers,
} from './tiers.ts';

/** Random problems per property here; the files run by themselves try more. */
const RUNS = whole ? '15' : '3';

describe.each(tiers)('tier %s', async (tier) => {
  // test/library.ts takes the functions from the main entry: here those of an engine of the tier stand in for them
  const engine = createEngine({ tier });
  vi.resetModules();
  vi.doMock('../src/index.ts', async (importOriginal) => {
    const entry = await importOriginal<typeof import('../src/index.ts')>();
    const names = [...lossNames, ...activationNames];
    return { ...entry, ...Object.fromEntries(names.map((name) => [name, engine[name]])) };
  });
  vi.stubEnv('FC_RUNS', RUNS);
  vi.stubEnv('GOLDEN_SHARE', '0.3');
  // what the default engine runs, those files have seen by themselves
  const other = defaultEngine().tier !== tier;
  if (other || whole) {
    await import('./golden.test.ts');
    await import('./property.test.ts');
    await import('./metamorphic.test.ts');
  }
  if (other) await import('./precision.test.ts');
  const { losses, activations } = await import('./library.ts');
  vi.doUnmock('../src/index.ts');
  vi.unstubAllEnvs();

  it('is what runs, and what those tests call', () => {
    expect(engine.tier).toBe(tier);
    for (const name of lossNames) expect(losses[name]).toBe(engine[name]);
    for (const name of activationNames) expect(activations[name]).toBe(engine[name]);
  });
});

describe('the choice of the tier', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** A runtime that knows vectors, or relaxed ones too, by the opcodes in what it validates. */
  const knowing = (what: 'nothing' | 'vectors'): void => {
    vi.spyOn(WebAssembly, 'validate').mockImplementation((source) => {
      const bytes = Buffer.from(source as Uint8Array<ArrayBuffer>);
      const relaxedMadd = bytes.includes(Buffer.of(0xfd, 0x85, 0x02));
      return !relaxedMadd && (what === 'vectors' || !bytes.includes(0xfd));
    });
  };

  it('is the best that the runtime validates', () => {
    expect(createEngine().tier).toBe('relaxed');
    expect(createEngine({ tier: 'auto' }).tier).toBe('relaxed');
    knowing('vectors');
    expect(createEngine().tier).toBe('simd');
    knowing('nothing');
    expect(createEngine().tier).toBe('scalar');
  });

  it('is the next lower one where the one asked for is missing', () => {
    knowing('vectors');
    expect(createEngine({ tier: 'relaxed' }).tier).toBe('simd');
    expect(createEngine({ tier: 'simd' }).tier).toBe('simd');
    expect(createEngine({ deterministic: true }).tier).toBe('simd');
    knowing('nothing');
    expect(createEngine({ tier: 'relaxed' }).tier).toBe('scalar');
    expect(() => createEngine({ deterministic: true })).toThrow(
      new RangeError("createEngine: deterministic needs the simd tier, but this runtime has 'scalar'"),
    );
  });

  it.each(tiers)('%s: the module needs nothing of its host', (tier) => {
    expect(WebAssembly.Module.imports(moduleOf(tier)!)).toEqual([]);
  });
});

describe('deterministic results', () => {
  const file = new URL('./golden/hashes.json', import.meta.url);
  const found = hashes(createEngine({ deterministic: true }));

  it('cover every loss and activation', () => {
    for (const name of [...lossNames, ...activationNames]) {
      expect(Object.keys(found).filter((each) => each.startsWith(`${name} `)).length, name).toBeGreaterThanOrEqual(9);
    }
  });

  it('are the bits that were stored', () => {
    if (process.env.LOSSMITH_HASHES === 'write') {
      const how = 'Made by: LOSSMITH_HASHES=write npx vitest run test/tiers.test.ts (cases and hash: test/tiers.ts).';
      writeFileSync(file, `${JSON.stringify({ how, hashes: found }, null, 2)}\n`);
    }
    const { hashes: stored } = JSON.parse(readFileSync(file, 'utf8')) as { hashes: Record<string, string> };
    expect(found).toEqual(stored);
  });

  it('are those of the simd tier, call after call', () => {
    const engine = createEngine({ tier: 'simd' });
    expect(hashes(engine)).toEqual(found);
    expect(hashes(engine)).toEqual(found);
  });

  it('have one NaN, wherever they are written', () => {
    const engine = createEngine({ deterministic: true });
    let nans = 0;
    const look = (what: string, { data }: Tensor32): void => {
      nans += data.filter(Number.isNaN).length;
      expect(oddNaNs(data), what).toBe(0);
    };
    const places = [placements.arrays!, placements.tensors!, placements['tensors, in place']!];
    for (const [i, each] of lossCases.entries()) {
      for (const value of lossResults(engine, each)) if (typeof value === 'object') look(each.name, value);
      const placed = new PlacedCall(engine, each, places[i % places.length]!);
      const step = placed.prepare();
      const loss = step();
      if (typeof loss === 'object') look(`${each.name}, step`, loss);
      const { grad, grads } = gradientsOf(step);
      for (const tensor of [grad, ...Object.values(grads)]) look(`${each.name}, step`, tensor);
      if (step.componentLosses) look(`${each.name}, step`, step.componentLosses);
      step.free();
      placed.free();
    }
    for (const { name, op, input, gradOutput, options } of activationCases) {
      const activation = activationOf(engine, op);
      look(name, activation(input, options));
      look(name, activation.backward(gradOutput, input, options));
      const out = engine.from(input);
      look(name, activation(out, { ...options, out }));
      out.free();
    }
    expect(nans).toBeGreaterThan(1000);
  });
});
