import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { syntheticContract } from '@tacit/models/outcome/contracts/synthetic.ts';
import { applyContract } from '@tacit/models/outcome/feature-contract.ts';
import { drawUnit } from '@tacit/models/synthetic/cohort.ts';
import { cohortUnits } from '@tacit/models/synthetic/units.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { afterAll, expect, test } from 'vitest';
import { loadSource } from './source.ts';

const folder = mkdtempSync(join(tmpdir(), 'tacit-source-'));
afterAll(() => rmSync(folder, { recursive: true }));

function load(text: string) {
  const file = join(folder, 'learners.csv');
  writeFileSync(file, text);
  return loadSource({ kind: 'csv', file }, syntheticContract);
}

test('reads the invented cohort into a dataset', () => {
  const unit = drawUnit(cohortUnits.at(-1)!, 1);
  const records = load(unit.csv);
  if (isRefusal(records)) throw new Error(records.refused);
  const dataset = applyContract(syntheticContract, records);
  if (isRefusal(dataset)) throw new Error(dataset.refused);
  expect(dataset.learnerIds).toEqual(unit.learnerIds);
  expect(dataset.rows.length / syntheticContract.features.length).toBe(unit.truth.length / 4);
  expect(dataset.labels.length).toBe(unit.truth.length);
  expect(dataset.labels.some(Number.isNaN)).toBe(true);
  expect(dataset.rows.every((x) => Math.abs(x) <= 1)).toBe(true);
});

test('hands over the columns of the contract and no other', () => {
  const csv = drawUnit({ ...cohortUnits[0]!, learners: 1 }, 1).csv;
  const [header, row] = csv.split('\n');
  const records = load(`${header},manager_rating\n${row},bad\n`);
  expect(records).toHaveLength(1);
  expect(JSON.stringify(records)).not.toMatch(/manager_rating|bad/);
});

test('refuses a row without a learner and a column that is not there', () => {
  const csv = drawUnit({ ...cohortUnits[0]!, learners: 2 }, 1).csv;
  const file = 'learners.csv';
  expect(load(csv.replace('plants-north-00001', ''))).toEqual({
    refused: 'csv-value-missing',
    facts: { file, row: 2, column: 'learner_id' },
  });
  expect(load(csv.replace('minutes', 'hours'))).toEqual({
    refused: 'csv-column-missing',
    facts: { file, row: 1, column: 'minutes' },
  });
});
