import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { example } from './example.ts';

const { ownTableTask } = await example('penguins/own-table.mjs');
const { train, BATCH_ROWS } = await example('penguins/train.mjs');
const { parseCsv } = await example('penguins/csv.mjs');

const folder = mkdtempSync(join(tmpdir(), 'lossmith-penguins-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file into the test's folder and returns its name there. */
function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return name;
}

describe('the CSV reader', () => {
  const read = (text: string) => {
    const { header, rows } = parseCsv(text);
    return [header, ...rows];
  };

  it.each<[string, string, string[][]]>([
    [
      'plain',
      'a,b\n1,2\n3,4\n',
      [
        ['a', 'b'],
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'no line end at the end',
      'a,b\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'CRLF',
      'a,b\r\n1,2\r\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'CR',
      'a,b\r1,2\r',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'byte order mark',
      '\uFEFFa,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'quotes',
      '"a","b c"\n"1,5","x"\n',
      [
        ['a', 'b c'],
        ['1,5', 'x'],
      ],
    ],
    [
      'doubled quotes',
      'a,b\n"say ""hi""",""\n',
      [
        ['a', 'b'],
        ['say "hi"', ''],
      ],
    ],
    [
      'line breaks in quotes',
      'a,b\n"1\r\n2",3\n',
      [
        ['a', 'b'],
        ['1\r\n2', '3'],
      ],
    ],
    [
      'spaces around quotes',
      'a, "b"\n1, "x, y" \n',
      [
        ['a', 'b'],
        ['1', 'x, y'],
      ],
    ],
    [
      'a quote inside a cell',
      'a,b\n5" disk,2\n',
      [
        ['a', 'b'],
        ['5" disk', '2'],
      ],
    ],
    [
      'semicolons',
      'a;b\n1,5;2\n',
      [
        ['a', 'b'],
        ['1,5', '2'],
      ],
    ],
    [
      'tabs',
      'a\tb\n1\t"2\t3"\n\t4\n',
      [
        ['a', 'b'],
        ['1', '2\t3'],
        ['', '4'],
      ],
    ],
    [
      'a tab-separated cell after an empty one',
      'a\tb\tc\n\t"x"\t\n',
      [
        ['a', 'b', 'c'],
        ['', 'x', ''],
      ],
    ],
    [
      'delimiters in a quoted header',
      '"a;b;c",d\n1,2\n',
      [
        ['a;b;c', 'd'],
        ['1', '2'],
      ],
    ],
    [
      'blank lines',
      '\na,b\n\n1,2\n  \n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'empty cells',
      'a,b,c\n,,\n1,,\n',
      [
        ['a', 'b', 'c'],
        ['', '', ''],
        ['1', '', ''],
      ],
    ],
    [
      'empty and repeated names',
      ',x, x \n1,2,3\n',
      [
        ['column 1', 'x', 'x (2)'],
        ['1', '2', '3'],
      ],
    ],
    ['one column', 'a\n1\n2\n', [['a'], ['1'], ['2']]],
  ])('reads %s', (_, text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    ['a,b\n1\n', 'table line 2: 1 field, the header has 2'],
    ['a,b\n"x\ny",1\n\n1,2,3\n', 'table line 5: 3 fields, the header has 2'],
    ['a,b\n1,"x\n3,4\n', 'table line 2: a quote is opened and never closed'],
    ['a,b\n1,"x"y\n', 'table line 2: text after a closing quote'],
    ['a,b\n', 'table has a header and no rows'],
    [' \n', 'table is empty'],
    ['PK\u0003\u0000,', 'table is not a text table'],
  ])('refuses %j', (text, message) => {
    expect(() => parseCsv(text)).toThrow(expect.objectContaining({ name: 'UserError', message }));
  });
});

describe('a table of your own', () => {
  const task = (content: string | Uint8Array, target: string) => {
    const name = file('own.csv', content);
    return ownTableTask(join(folder, name), { name, target, seed: 1 });
  };
  const numbers = Array.from({ length: 40 }, (_, i) => i);

  it('learns a quantity, with decimal commas, gaps and columns that say nothing', () => {
    const lines = numbers.map((i) => {
      const gap = i % 10 === 3 ? 'NA' : `${i % 7},5`;
      const group = i % 8 === 5 ? '' : `g${i % 2}`;
      return `${i + 1};name ${i};${gap};${group};same;;${i === 7 ? '?' : 2 * (i % 7) + (i % 2) + i / 100}`;
    });
    const { task: made, notes } = task(`id;name;x;group;constant;empty;y\n${lines.join('\n')}`, 'y');
    expect(notes).toEqual([
      'left out 1 row without y',
      'left out column "id": it numbers the rows',
      'left out column "name": 39 different texts in 39 rows',
      'left out column "constant": all its values are equal',
      'left out column "empty": it is empty',
    ]);
    expect(made.features).toEqual(['x', 'group = g0', 'group = g1', 'group = missing']);
    expect(made.lossName).toBe('mse');
    expect(train(made, { steps: 2000 }).scores[0]!.value).toBeGreaterThan(0.8);
  });

  it('learns classes: texts, and numbers of at most 20 values', () => {
    const texts = numbers.map((i) => `${i},${i % 5},${i < 20 ? 'low' : 'high'}`).join('\n');
    const { task: byText, notes } = task(`row,x,class\n${texts}`, 'class');
    expect(notes).toEqual(['left out column "row": it numbers the rows']);
    expect(byText.features).toEqual(['x']);
    expect(byText.lossName).toBe('crossEntropy');
    const codes = numbers.map((i) => `${(i * 17) % 40},${i % 20}`).join('\n');
    expect(task(`x,code\n${codes}`, 'code').task.outputShape).toEqual([20]);
    const quantities = [...numbers, 40, 41].map((i) => `${(i * 17) % 40},${i % 21}`).join('\n');
    expect(task(`x,code\n${quantities}`, 'code').task.lossName).toBe('mse');
  });

  it('leaves out a column that numbers the rows, whatever rows miss', () => {
    const made = (rows: string[]) => task(`id,x,y\n${rows.join('\n')}`, 'y');
    const row = (i: number, id: number | string, y: number | string) => `${id},${(i * 7) % 31},${y}`;
    const blanks = Array.from({ length: 100 }, (_, i) => row(i, i, i % 50 === 17 ? '' : (i * 3) % 23));
    expect(made(blanks).notes).toEqual(['left out 2 rows without y', 'left out column "id": it numbers the rows']);
    expect(made(blanks).task.features).toEqual(['x']);
    // the first rows without a target: the numbers that are left start anywhere
    const late = Array.from({ length: 60 }, (_, i) => row(i, i + 1, i < 9 ? 'NA' : (i * 3) % 23));
    expect(made(late).notes).toEqual(['left out 9 rows without y', 'left out column "id": it numbers the rows']);
    // blanks among the numbers themselves
    const gaps = Array.from({ length: 60 }, (_, i) => row(i, i % 20 === 0 ? '' : i + 1, (i * 3) % 23));
    expect(made(gaps).notes).toEqual(['left out column "id": it numbers the rows']);
    // not the numbers of the rows of this file, though of those that have a target
    const other = Array.from({ length: 60 }, (_, i) => row(i, i < 9 ? 0 : i - 8, i < 9 ? 'NA' : (i * 3) % 23));
    expect(made(other).task.features).toEqual(['id', 'x']);
  });

  it('reads UTF-16 and Windows-1252 as well as UTF-8', () => {
    const text = `größe,x\n${numbers.map((i) => `${i % 3},${i % 5}`).join('\n')}`;
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    for (const bytes of [Buffer.from(text), Buffer.from(text, 'latin1'), utf16]) {
      expect(task(bytes, 'größe').task.name).toBe('größe');
    }
  });

  it('trains large tables in batches and survives outliers', () => {
    const rows = Array.from(
      { length: 5000 },
      (_, i) => `${i % 97 === 0 ? 1e9 : (i * 7) % 31},${i % 13},${(i % 13) * 2 + (i % 50) / 9}`,
    );
    const { task: made } = task(`wild,x,y\n${rows.join('\n')}`, 'y');
    expect(made.train.rows).toBeGreaterThan(BATCH_ROWS);
    const result = train(made, { steps: 400 });
    expect(result.scores[0]!.value).toBeGreaterThan(0.9);
  });
});
