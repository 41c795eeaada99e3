import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { syntheticContract } from '@tacit/models/outcome/contracts/synthetic.ts';
import { drawUnit } from '@tacit/models/synthetic/cohort.ts';
import { cohortUnits } from '@tacit/models/synthetic/units.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type LoadedLearnerData, learnerCount, loadLearnerData } from './learner-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'tacit-learner-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [header = '', ...rows] = drawUnit({ ...cohortUnits[0]!, learners: 12 }, 3)
  .csv.trimEnd()
  .split('\n');

function load(lines: readonly string[]): LoadedLearnerData {
  const file = join(folder, 'learners.csv');
  writeFileSync(file, [header, ...lines].join('\n'), 'latin1');
  const data = loadLearnerData({
    source: { kind: 'csv', file },
    contract: syntheticContract,
    split: { salt: 's:', trainPercent: 60 },
  });
  if (isRefusal(data)) throw new Error(JSON.stringify(data));
  return data;
}

test('whatever spoils a row, the data are those without that row', () => {
  const row = fc.nat(rows.length - 1);
  const spoilt = fc.constantFrom(
    ...[',', '"', '"",', '\xe9', 'NaN', '0x1f', '1 2', '?x', '"\xe9"'],
  );
  const columns = ['minutes', 'sessions', 'attempts_safety', 'gain', 'retention'];
  const column = fc.constantFrom(...columns).map((name) => header.split(',').indexOf(name));
  fc.assert(
    fc.property(row, spoilt, column, (at, text, index) => {
      const cells = rows[at]!.split(',');
      const { dropped, ...data } = load(rows.with(at, cells.with(index, text).join(',')));
      const without = load(rows.toSpliced(at, 1));
      expect(dropped).toMatchObject({ rows: 1, first: [{ facts: { row: at + 2 } }] });
      for (const part of ['training', 'heldOut'] as const) {
        expect(data[part].rows).toEqual(without[part].rows);
        expect(data[part].labels).toEqual(without[part].labels);
        // A learner may keep a place without rows; nobody else's rows move to another learner.
        const starts = (d: LoadedLearnerData) => [...new Set(d[part].learnerRowStart)];
        expect(starts({ ...data, dropped })).toEqual(starts(without));
      }
    }),
  );
});

test('when no row can be used every learner keeps a place, and the first few are named', () => {
  const at = header.split(',').indexOf('minutes');
  const bad = load(rows.map((row) => row.split(',').with(at, 'secret').join(',')));
  const good = load(rows);
  for (const part of ['training', 'heldOut'] as const) {
    expect(bad[part].rows.length).toBe(0);
    expect(learnerCount(bad[part])).toBe(learnerCount(good[part]));
  }
  const facts = { file: 'learners.csv', column: 'minutes' };
  expect(bad.dropped).toEqual({
    rows: rows.length,
    first: [2, 3, 4, 5, 6].map((row) => ({
      refused: 'csv-not-a-number',
      facts: { ...facts, row },
    })),
  });
});
