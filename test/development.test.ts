// Under the condition `development`: a word where logits look like probabilities, once in a process, and no other difference.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { looksLikeProbabilities } from '../src/development/watch.ts';
import * as development from '../src/generated/development.ts';
import * as main from '../src/index.ts';

const SAID = Symbol.for('lossmith development');
const registry = globalThis as { [SAID]?: true };
const probabilities = [
  [0.2, 0.5, 0.3],
  [0.1, 0.1, 0.8],
];

describe('the condition development', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  beforeEach(() => {
    delete registry[SAID];
    warn.mockClear();
  });
  afterEach(() => {
    delete registry[SAID];
  });

  it('exports what the main entry does, and the same results', () => {
    expect(Object.keys(development).sort()).toEqual(Object.keys(main).sort());
    const own: Readonly<Record<string, unknown>> = { ...development };
    const differs = Object.entries(main).filter(([name, value]) => own[name] !== value);
    expect(differs.map(([name]) => name)).toContain('crossEntropy');
    for (const [name, value] of differs) {
      const [mine, theirs] = [own[name] as object, value as object];
      expect([(mine as { name: string }).name, Object.keys(mine).sort()]).toEqual([name, Object.keys(theirs).sort()]);
      expect(Object.isFrozen(mine)).toBe(true);
    }
    expect(development.bceWithLogits).toBe(main.bceWithLogits);
    expect(development.crossEntropy(probabilities, [1, 2])).toEqual(main.crossEntropy(probabilities, [1, 2]));
  });

  it.each([
    ['the loss', () => development.crossEntropy(probabilities, [1, 2])],
    ['forward', () => development.crossEntropy.forward(probabilities, [1, 2])],
    ['backward', () => development.crossEntropy.backward(1, probabilities, [1, 2])],
    ['another loss', () => development.softmaxFocal(probabilities, [1, 2])],
    ['another axis', () => development.crossEntropy([probabilities], [[1, 2]], { axis: -1 })],
    [
      'what is written over',
      () => {
        const logits = main.tensor(probabilities);
        development.crossEntropy(logits, [1, 2], { out: logits });
      },
    ],
  ])('says it of %s, once', (_, run) => {
    run();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toMatch(/^lossmith: \w+: logits look like probabilities/);
    run();
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('says nothing of logits, of steps and in production', () => {
    development.crossEntropy([[0.2, 0.5, 0.4]], [1]);
    development.crossEntropy([[-0.2, 0.7, 0.5]], [1]);
    development.crossEntropy([[1.2, -0.2]], [1]);
    development.crossEntropy([[1], [1]], [0, 0]);
    development.crossEntropy(main.tensor([], [0, 3]), []);
    development.crossEntropy.prepare(probabilities, [1, 2])();
    main.crossEntropy(probabilities, [1, 2]);
    expect(warn).not.toHaveBeenCalled();
    expect(looksLikeProbabilities(probabilities, 1)).toBe(true);
    expect(looksLikeProbabilities(probabilities, 0)).toBe(false);
  });

  it('leaves errors to the loss', () => {
    expect(() => development.crossEntropy(probabilities, [1, 3])).toThrow(
      'crossEntropy: target[1] is 3, outside [0, 3)',
    );
    expect(() => development.crossEntropy('x' as never, [1])).toThrow('crossEntropy: logits is "x"');
    expect(warn).not.toHaveBeenCalled();
  });
});
