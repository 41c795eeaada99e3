import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { type CsvOptions, readCsv } from './csv.ts';

const folder = mkdtempSync(join(tmpdir(), 'tacit-csv-'));
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string | Uint8Array, options: Partial<CsvOptions> = {}) {
  const file = join(folder, options.file ?? 'learners.csv');
  writeFileSync(file, text);
  return readCsv({ columns: ['id', 'score'], ...options, file });
}

test('keeps the columns asked for, in the order asked for', () => {
  const text = '\uFEFFscore,manager_rating,"id"\r\n 7 ,bad,"a,b"\r\n,good,c\r\n';
  expect(read(text)).toEqual({
    file: 'learners.csv',
    rows: [
      ['a,b', '7'],
      ['c', ''],
    ],
  });
});

test('reads gzip, other delimiters and Windows-1252', () => {
  const rows = [['é', '1']];
  expect(read(gzipSync('id,score\né,1\n'), { file: 'a.csv.gz' })).toMatchObject({ rows });
  const latin = Buffer.from('id;score\n\xe9;1\n', 'latin1');
  const options = { delimiter: ';', encoding: 'windows-1252' } as const;
  expect(read(latin, options)).toMatchObject({ rows });
  expect(read(latin, { delimiter: ';' })).toMatchObject({ refused: 'csv-encoding' });
});

test.each([
  ['csv-malformed', { row: 1, reason: 'empty file' }, ''],
  ['csv-malformed', { row: 3, cells: 3, expected: 2 }, 'id,score\na,1\nsecret,2,3\nb,4\n'],
  ['csv-malformed', { row: 3, cells: 1, expected: 2 }, 'id,score\na,1\nsecret\n'],
  ['csv-malformed', { row: 3, reason: 'CSV_QUOTE_NOT_CLOSED' }, 'id,score\na,1\n"secret,2\n'],
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
