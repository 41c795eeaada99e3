import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTables, type Tables } from './tables.ts';

let folder: string;
let tables: Tables;
const bytes = (...values: number[]) => new Uint8Array(values);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tacit-tables-'));
  tables = openTables({ file: join(folder, 't.db'), tables: ['a', 'b'] });
});

afterEach(() => {
  tables.close();
  rmSync(folder, { recursive: true });
});

test('what was written is there after the file is opened again', () => {
  tables.write([{ table: 'a', key: 'k', value: bytes(1, 2) }]);
  tables.close();
  tables = openTables({ file: join(folder, 't.db'), tables: ['a', 'b'] });
  expect(tables.get('a', 'k')).toEqual(bytes(1, 2));
  expect(tables.get('b', 'k')).toBeUndefined();
});

test('a transaction with one impossible write leaves nothing of the others', () => {
  const impossible = { table: 'missing', key: 'x', value: bytes(1) };
  expect(() => tables.write([{ table: 'a', key: 'k', value: bytes(1) }, impossible])).toThrow();
  expect(tables.entries('a')).toEqual([]);
  tables.write([{ table: 'a', key: 'k', value: bytes(2) }]);
  expect(tables.get('a', 'k')).toEqual(bytes(2));
});

test('a second writer is refused while the first lives, and let in afterwards', () => {
  const again = () => openTables({ file: join(folder, 't.db'), tables: ['a', 'b'] });
  expect(again).toThrow(expect.objectContaining({ code: 'store-locked' }));
  tables.close();
  tables = again();
});

test('a line that is written once is never overwritten', () => {
  const line = { table: 'a', key: '1', value: bytes(1), once: true };
  tables.write([line]);
  expect(() => tables.write([{ ...line, value: bytes(2) }])).toThrow();
  expect(tables.get('a', '1')).toEqual(bytes(1));
});

test('entries come in order of key and by prefix, whatever order they were written in', () => {
  const write = (key: string) => ({ table: 'a', key, value: bytes(0) });
  tables.write(['r/2', 'r/10', 's/1', 'r/1'].map(write));
  expect(tables.entries('a', 'r/').map(([key]) => key)).toEqual(['r/1', 'r/10', 'r/2']);
});

test('a deleted or overwritten secret is in no byte of file or log once it was forgotten', () => {
  const secret = Buffer.from('a-slot-key-that-must-be-gone');
  const inFiles = () =>
    ['t.db', 't.db-wal'].some((name) => readFileSync(join(folder, name)).includes(secret));
  tables.write([{ table: 'a', key: 'slot', value: new Uint8Array(secret) }]);
  expect(inFiles()).toBe(true);
  tables.write([{ table: 'a', key: 'slot', value: bytes(0) }]);
  tables.forget();
  expect(inFiles()).toBe(false);
  tables.write([{ table: 'a', key: 'slot', value: new Uint8Array(secret) }]);
  tables.write([{ table: 'a', key: 'slot', value: null }]);
  tables.forget();
  expect(inFiles()).toBe(false);
});

test('a reader sees every committed write while the writer goes on', () => {
  const reader = openTables({ file: join(folder, 't.db'), tables: ['a'], readOnly: true });
  tables.write([{ table: 'a', key: 'k', value: bytes(7) }]);
  expect(reader.get('a', 'k')).toEqual(bytes(7));
  expect(() => reader.write([{ table: 'a', key: 'k', value: null }])).toThrow();
  reader.close();
});
