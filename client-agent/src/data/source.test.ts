import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { syntheticContract } from '@tacit/models/outcome/contracts/synthetic.ts';
import { applyContract } from '@tacit/models/outcome/feature-contract.ts';
import { drawUnit } from '@tacit/models/synthetic/cohort.ts';
import { cohortUnits } from '@tacit/models/synthetic/units.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { afterAll, expect, test } from 'vitest';
import { loadSource } from './source.ts';

const folder = mkdtempSync(join(tmpdir(), 'tacit-source-'));
afterAll(() => rmSync(folder, { recursive: true }));

function load(text: string | Uint8Array) {
  const file = join(folder, 'learners.csv');
  writeFileSync(file, text);
  return loadSource({ kind: 'csv', file }, syntheticContract);
}

function must<T>(result: T | Refusal): T {
  if (isRefusal(result)) throw new Error(JSON.stringify(result));
  return result;
}

test('reads the invented cohort into a dataset', () => {
  const unit = drawUnit(cohortUnits.at(-1)!, 1);
  const { records } = must(load(unit.csv));
  const { data: dataset, dropped } = must(applyContract(syntheticContract, records));
  expect(dropped).toEqual([]);
  expect(dataset.learnerIds).toEqual(unit.learnerIds);
  expect(dataset.rows.length / syntheticContract.features.length).toBe(unit.truth.length / 4);
  expect(dataset.labels.length).toBe(unit.truth.length);
  expect(dataset.labels.some(Number.isNaN)).toBe(true);
  expect(dataset.rows.every((x) => Math.abs(x) <= 1)).toBe(true);
});

test('hands over the columns of the contract and no other', () => {
  const csv = drawUnit({ ...cohortUnits[0]!, learners: 1 }, 1).csv;
  const [header, row] = csv.split('\n');
  const { records } = must(load(`${header},manager_rating\n${row},bad\n`));
  expect(records).toHaveLength(1);
  expect(JSON.stringify(records)).not.toMatch(/manager_rating|bad/);
});

test.each([
  ['csv-value-missing', Buffer.from('')],
  ['csv-value-missing', Buffer.from('?')],
  ['csv-encoding', Buffer.from('secret\xe9', 'latin1')],
])('drops a row that no learner can be told of: %s', (refused, id) => {
  const csv = Buffer.from(drawUnit({ ...cohortUnits[0]!, learners: 2 }, 1).csv);
  const whole = must(load(csv)).records;
  const at = csv.indexOf('\n') + 1;
  const end = csv.indexOf(',', at);
  const { records, dropped } = must(
    load(Buffer.concat([csv.subarray(0, at), id, csv.subarray(end)])),
  );
  const facts = { file: 'learners.csv', row: 2, column: 'learner_id' };
  expect(dropped).toEqual([{ refused, facts }]);
  expect(records).toEqual(whole.slice(1));
});

test('refuses a column that is not there', () => {
  const csv = drawUnit({ ...cohortUnits[0]!, learners: 2 }, 1).csv;
  expect(load(csv.replace('minutes', 'hours'))).toEqual({
    refused: 'csv-column-missing',
    facts: { file: 'learners.csv', row: 1, column: 'minutes' },
  });
});
