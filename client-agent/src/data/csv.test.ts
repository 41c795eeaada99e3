import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type CsvOptions, type CsvTable, readCsv } from './csv.ts';

const folder = mkdtempSync(join(tmpdir(), 'tacit-csv-'));
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string | Uint8Array, options: Partial<CsvOptions> = {}) {
  const file = join(folder, options.file ?? 'learners.csv');
  writeFileSync(file, text);
  return readCsv({ columns: ['id', 'score'], ...options, file });
}

function table(text: string | Uint8Array): CsvTable {
  const result = read(text);
  if (isRefusal(result)) throw new Error(result.refused);
  return result;
}

test('keeps the columns asked for, in the order asked for', () => {
  const text = '\uFEFFscore,manager_rating,"id"\r\n 7 ,bad,"a,b"\r\n,good,c\r\n';
  expect(read(text)).toEqual({
    file: 'learners.csv',
    rows: [
      { row: 2, cells: ['a,b', '7'] },
      { row: 3, cells: ['c', ''] },
    ],
    dropped: [],
  });
});

test('reads gzip, other delimiters and Windows-1252', () => {
  const rows = [{ row: 2, cells: ['é', '1'] }];
  expect(read(gzipSync('id,score\né,1\n'), { file: 'a.csv.gz' })).toMatchObject({ rows });
  const latin = Buffer.from('id;score\n\xe9;1\n', 'latin1');
  const options = { delimiter: ';', encoding: 'windows-1252' } as const;
  expect(read(latin, options)).toMatchObject({ rows });
});

test('a byte that is not UTF-8 spoils its own cell only', () => {
  const bytes = Buffer.from('id,score\na\xe9,1\nb\xe9\nc,\xc3\n"d\xe9",4\ne,5', 'latin1');
  const { rows, dropped } = table(bytes);
  expect(rows.map((row) => row.cells.join())).toEqual([
    'a\uFFFD,1',
    'c,\uFFFD',
    'd\uFFFD,4',
    'e,5',
  ]);
  expect(dropped.map(({ facts }) => facts.row)).toEqual([3]);
});

test.each([
  ['a cell too many', 'secret,2,3', { row: 3, cells: 3, expected: 2 }],
  ['a cell too few', 'secret', { row: 3, cells: 1, expected: 2 }],
  ['an open quote', '"secret,2', { row: 3, reason: expect.stringContaining('quote') }],
  ['an open quote at its end', 'secret,2"', { row: 3, reason: expect.any(String) }],
  ['a quote inside a cell', 'sec"ret,2', { row: 3, reason: expect.any(String) }],
  ['text after a quote', '"sec"ret,2', { row: 3, reason: expect.any(String) }],
])('drops a row with %s and no other', (_, bad, facts) => {
  for (const rest of ['b,4\n', 'b,4\n"c, the third",5\n"d ""4""",6\n', '']) {
    const { rows, dropped } = table(`id,score\na,1\n${bad}\n${rest}`);
    expect(dropped).toEqual([
      { refused: 'csv-malformed', facts: { file: 'learners.csv', ...facts } },
    ]);
    const without = table(`id,score\na,1\n\n${rest}`);
    expect(without.dropped).toEqual([]);
    expect(rows).toEqual(without.rows);
  }
});

test('whatever stands on one line, the rows of all other lines are read', () => {
  const garbage = fc.string({ unit: fc.constantFrom('"', ',', 'x', ' ', '\uFFFD', '7') });
  const cell = fc.constantFrom('a', '"b,c"', '"d ""e"""', '', '""');
  const good = fc.array(fc.tuple(cell, cell), { maxLength: 6 });
  fc.assert(
    fc.property(good, good, garbage, (before, after, bad) => {
      const lines = ['id,score', ...before.map(String), bad, ...after.map(String)];
      const row = before.length + 2;
      const others = table(lines.with(row - 1, '').join('\n')).rows;
      const { rows } = table(lines.join('\n'));
      expect(rows.filter((one) => one.row !== row)).toEqual(others);
    }),
    { numRuns: 300 },
  );
});

test('rows are numbered by the line they begin on', () => {
  const { rows, dropped } = table('id,score\r\n\r\n"a\r\nb",1\r\nbad\r\nc,2');
  expect(rows).toEqual([
    { row: 3, cells: ['a\r\nb', '1'] },
    { row: 6, cells: ['c', '2'] },
  ]);
  expect(dropped.map(({ facts }) => facts.row)).toEqual([5]);
});

test('many quotes that are never closed take no longer than other text', () => {
  const { rows, dropped } = table(`id,score\n${'"""a,1\n'.repeat(100_000)}b,2\n`);
  expect([rows.length, dropped.length]).toEqual([1, 100_000]);
});

test.each([
  ['csv-malformed', { row: 1, reason: 'empty file' }, ''],
  ['csv-malformed', { row: 1, reason: expect.any(String) }, 'id,"score\na,1\n'],
  ['csv-column-twice', { row: 1, column: 'score' }, 'id,score,score\na,1,2\n'],
  ['csv-column-missing', { row: 1, column: 'score' }, 'id,points\na,1\n'],
])('refuses with %s %j', (refused, facts, text) => {
  expect(read(text)).toEqual({ refused, facts: { file: 'learners.csv', ...facts } });
});

test('refuses what is absent, too large or no gzip at all', () => {
  const columns = ['id'];
  const absent = readCsv({ file: join(folder, 'absent.csv'), columns });
  expect(absent).toEqual({ refused: 'csv-missing', facts: { file: 'absent.csv' } });
  expect(readCsv({ file: folder, columns })).toMatchObject({ refused: 'csv-unreadable' });
  const large = { refused: 'csv-too-large', facts: { bytesMax: 100 } };
  expect(read('x'.repeat(101), { bytesMax: 100 })).toMatchObject(large);
  const bomb = gzipSync('x'.repeat(100_000));
  expect(read(bomb, { file: 'b.csv.gz', bytesMax: 1000 })).toMatchObject({
    ...large,
    facts: { bytesMax: 1000 },
  });
  expect(read('no gzip', { file: 'c.csv.gz' })).toMatchObject({ refused: 'csv-unreadable' });
});
