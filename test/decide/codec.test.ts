// Composite labels: every class has one label and comes back from it, in either order, with or without a list of what exists.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelCodec } from '../../src/decide/index.ts';
import { componentCrossEntropy, crossEntropy } from '../../src/index.ts';
import { unsafe } from '../errors/case.ts';
import './seeded.ts';

/** Parts of distinct values that a separator tells apart. */
const parts = fc.array(
  fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'aa', 'ab', 'ba'), { minLength: 1, maxLength: 4 }),
  { minLength: 1, maxLength: 4 },
);
const order = fc.constantFrom('first-slow' as const, 'first-fast' as const);

/** All combinations, counted by hand: the last part turns fastest. */
const product = (values: readonly (readonly string[])[]): string[][] =>
  values.reduce<string[][]>((made, part) => made.flatMap((head) => part.map((value) => [...head, value])), [[]]);

describe('labelCodec', () => {
  it('numbers the labels as an odometer does, and each comes back', () => {
    fc.assert(
      fc.property(parts, order, (values, by) => {
        const codec = labelCodec(values, { order: by, separator: '-' });
        const slow = product(by === 'first-slow' ? values : [...values].reverse());
        const tuples = by === 'first-slow' ? slow : slow.map((tuple) => [...tuple].reverse());
        expect(codec.classes).toBe(tuples.length);
        expect(codec.names).toEqual(tuples.map((tuple) => tuple.join('-')));
        tuples.forEach((tuple, index) => {
          expect(codec.decode(index)).toEqual(tuple);
          expect(codec.encode(tuple)).toBe(index);
          expect(codec.encode(tuple.join('-'))).toBe(index);
          expect(codec.components.map((map, m) => values[m]?.[map[index] as number])).toEqual(tuple);
        });
        expect(codec.table().split('\n')).toHaveLength(tuples.length + 1);
      }),
    );
  });

  it('keeps the classes of a list of labels, strings and tuples alike, in their order', () => {
    fc.assert(
      fc.property(parts, order, fc.nat(), (values, by, seed) => {
        const whole = labelCodec(values, { order: by, separator: '-' });
        const kept = whole.names.filter((_, i) => i === seed % whole.classes || (seed >> (i % 20)) % 2 === 1);
        const allowed = kept.map((label, i) => (i % 2 === 0 ? label : whole.decode(whole.encode(label)))).reverse();
        const codec = labelCodec(values, { order: by, separator: '-', allowed });
        expect(codec.names).toEqual(kept);
        for (const [index, label] of kept.entries()) {
          const before = whole.encode(label);
          expect(codec.components.map((map) => map[index])).toEqual(whole.components.map((map) => map[before]));
        }
        for (const label of whole.names.filter((each) => !kept.includes(each))) {
          expect(() => codec.encode(label)).toThrow(RangeError);
        }
      }),
    );
  });

  it('has a class for each set of names, the first name being the lowest bit', () => {
    const names = ['emotion', 'positivity', 'certainty', 'conciseness', 'understandability'];
    const codec = labelCodec.powerSet(names, { separator: '+' });
    expect(codec.classes).toBe(32);
    for (let index = 0; index < 32; index++) {
      const set = names.filter((_, bit) => (index >> bit) % 2 === 1);
      expect(codec.decode(index)).toEqual(set);
      expect(codec.encode([...set].reverse())).toBe(index);
      expect(codec.encode(set.join('+'))).toBe(index);
      expect(codec.components.map((map) => map[index])).toEqual(names.map((name) => Number(set.includes(name))));
    }
    const slow = labelCodec.powerSet(['A', 'B'], { order: 'first-slow' });
    expect(slow.names).toEqual(['', 'B', 'A', 'AB']);
  });

  it('answers the questions of the thread: AC, AD, BC, BD in both orders, and the mapping of two yes or no answers', () => {
    const pairs = [
      ['A', 'B'],
      ['C', 'D'],
    ];
    expect(labelCodec(pairs).names).toEqual(['AC', 'AD', 'BC', 'BD']);
    expect(labelCodec(pairs, { order: 'first-fast' }).names).toEqual(['AC', 'BC', 'AD', 'BD']);
    expect(labelCodec.powerSet(['A', 'B']).names).toEqual(['', 'A', 'B', 'AB']);
    expect(labelCodec(pairs).table()).toBe(
      [
        'class  label  part 0  part 1',
        '    0  AC     0 A     0 C',
        '    1  AD     0 A     1 D',
        '    2  BC     1 B     0 C',
        '    3  BD     1 B     1 D',
      ].join('\n'),
    );
  });

  it('prints a table of more classes than a call has room for arguments', () => {
    const part = (letter: string): string[] => Array.from({ length: 400 }, (_, i) => `${letter}${i}`);
    const lines = labelCodec([part('a'), part('b')])
      .table()
      .split('\n');
    expect(lines).toHaveLength(160_001);
    expect(lines[1]).toBe('     0  a0b0      0 a0      0 b0');
  });

  it('gives componentCrossEntropy its components: those of one part alone are cross entropy over its sums', () => {
    const { components, encode } = labelCodec([
      ['A', 'B', 'C'],
      ['D', 'E'],
    ]);
    const logits = [[0.3, -1.2, 0.8, 0.1, -0.4, 0.6]];
    const sums = [0, 2, 4].map((at) => Math.log(Math.exp(logits[0]?.[at] ?? 0) + Math.exp(logits[0]?.[at + 1] ?? 0)));
    const { componentLosses } = componentCrossEntropy(logits, [encode('BE')], { components });
    expect(componentLosses.data[0]).toBeCloseTo(crossEntropy([sums], [1]).loss, 6);
  });

  it('decodes predictions as Array.prototype.map calls it', () => {
    const codec = labelCodec([['A', 'B'], ['C']]);
    expect([1, 0].map(codec.decode)).toEqual([
      ['B', 'C'],
      ['A', 'C'],
    ]);
    expect(['BC', 'AC'].map(codec.encode)).toEqual([1, 0]);
  });
});

describe('messages of labelCodec', () => {
  const codec = labelCodec([
    ['A', 'B'],
    ['C', 'D'],
  ]);
  const few = labelCodec(
    [
      ['A', 'B'],
      ['C', 'D'],
    ],
    { allowed: ['AC', 'BD'] },
  );
  const set = labelCodec.powerSet(['joy', 'calm'], { separator: ', ' });
  it.each([
    [
      () => codec.encode('AB'),
      RangeError,
      'label is "AB", expected one of AC, AD, BC, BD; part 1 of it is "B", none of C, D',
    ],
    [() => codec.encode('XC'), RangeError, 'part 0 of it is "XC", none of A, B'],
    [() => codec.encode(['A', 'B']), RangeError, 'label[1] is "B", expected one of C, D'],
    [() => codec.encode(['A']), RangeError, 'label has 1 parts, expected 2'],
    [() => codec.encode(unsafe(3)), TypeError, 'label is 3, expected an array of strings'],
    [() => codec.decode(4), RangeError, 'index is 4, outside [0, 4)'],
    [() => codec.decode(0.5), RangeError, 'index is 0.5, expected an integer'],
    [() => few.encode('AD'), RangeError, 'label is "AD", expected one of AC, BD'],
    [() => few.encode(['A', 'D']), RangeError, 'label is [A, D], expected one of AC, BD'],
    [() => set.encode('joy, rage'), RangeError, '"rage" in it is none of joy, calm'],
    [() => set.encode(['joy', 'joy']), RangeError, 'label[1] is "joy", for the second time'],
    [
      () =>
        labelCodec([
          ['A', 'AB'],
          ['BC', 'C'],
        ]),
      RangeError,
      '[A, BC] and [AB, C] are both "ABC"',
    ],
    [() => labelCodec.powerSet(['a', 'b', 'ab']), RangeError, '[a, b] and [ab] are both "ab"'],
    [() => labelCodec.powerSet(['a', '']), RangeError, 'names[1] is ""'],
    [() => labelCodec.powerSet(Array.from({ length: 21 }, (_, i) => `n${i}`)), RangeError, 'make 2097152 labels'],
    [() => labelCodec([['A', 'A']]), RangeError, 'parts[0] has "A" twice'],
    [() => labelCodec([[]]), RangeError, 'parts[0] is empty'],
    [() => labelCodec([]), RangeError, 'parts is empty'],
    [() => labelCodec(unsafe('AB')), TypeError, 'parts is "AB", expected an array of arrays'],
    [() => labelCodec([['A', unsafe(1)]]), TypeError, 'parts[0][1] is 1, expected a string'],
    [() => labelCodec([['A']], { allowed: [] }), RangeError, 'allowed is empty'],
    [() => labelCodec([['A']], { allowed: ['B'] }), RangeError, 'allowed[0] is "B", expected one of A'],
    [
      () => labelCodec([['A']], { order: unsafe('slow') }),
      RangeError,
      "order is \"slow\", expected one of 'first-slow', 'first-fast'",
    ],
    [() => labelCodec([['A']], unsafe({ seperator: '' })), TypeError, 'unknown option "seperator"'],
  ])('%#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});
