import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ouladDay56 } from './contracts/oulad-day56.ts';
import { syntheticContract } from './contracts/synthetic.ts';
import {
  applyContract,
  type ContractedRows,
  checkContract,
  contractFields,
  type Dataset,
  decimalOf,
  type FeatureContract,
  type LearnerRecord,
} from './feature-contract.ts';

const contract: FeatureContract = {
  id: 'tiny',
  version: 1,
  learnerField: 'id',
  rowsPerLearnerMax: 2,
  features: [
    { name: 'score', field: 'score', transform: 'linear', lower: 0, upper: 100, whenMissing: 0 },
    { name: 'score_missing', field: 'score', transform: 'missing' },
    { name: 'clicks', field: 'clicks', transform: 'log', lower: 0, upper: 99 },
    { name: 'is_maths', field: 'module', transform: 'level', level: 'maths' },
  ],
  heads: [
    { name: 'a', standsFor: 'outcome', horizon: 'end', field: 'y', label: 'flag' },
    {
      name: 'b',
      standsFor: 'gain',
      horizon: 'end',
      field: 'mark',
      label: 'at-least',
      threshold: 7,
    },
    {
      name: 'c',
      standsFor: 'retention',
      horizon: 'end',
      field: 'result',
      label: 'one-of',
      levels: ['Pass', 'Distinction'],
    },
  ],
};

const plain = { score: '50', clicks: '0', module: 'maths', y: '1', mark: '7', result: 'Pass' };

function record(values: LearnerRecord['values'] = {}, learnerId = 'ada', row = 2): LearnerRecord {
  return { learnerId, file: 'tiny.csv', row, values: { ...plain, ...values } };
}

function contracted(records: LearnerRecord[], using = contract): ContractedRows {
  const rows = applyContract(using, records);
  if (isRefusal(rows)) throw new Error(rows.refused);
  return rows;
}

function apply(records: LearnerRecord[]): Dataset {
  const { data, dropped } = contracted(records);
  expect(dropped).toEqual([]);
  return data;
}

describe('applyContract', () => {
  test.each([
    [{ score: '0', clicks: '99' }, [-1, 0, 1, 1]],
    [{ score: '75', clicks: '9' }, [0.5, 0, 0, 1]],
    [{ score: '-4e3', clicks: '1e9', module: 'Maths' }, [-1, 0, 1, 0]],
    [{ score: '?', module: '?' }, [0, 1, -1, 0]],
    [{ score: 100, module: null }, [1, 0, -1, 0]],
  ])('maps %j to %j', (values, inputs) => {
    expect([...apply([record(values)]).rows]).toEqual(inputs.map((x) => expect.closeTo(x, 6)));
  });

  test.each([
    [{}, [1, 1, 1]],
    [{ y: '0', mark: '6.9', result: 'Fail' }, [0, 0, 0]],
    [{ y: '', mark: '?', result: null }, [Number.NaN, Number.NaN, Number.NaN]],
    [{ y: 1, mark: 7, result: 'Distinction' }, [1, 1, 1]],
  ])('labels %j as %j', (values, labels) => {
    expect([...apply([record(values)]).labels]).toEqual(labels);
  });

  test('groups rows by learner in id order and keeps the last rows of a learner', () => {
    const scores = ['0', '100', '25', '75'];
    const records = scores.map((score, i) => record({ score }, i === 1 ? 'Zoe' : 'ada', i + 2));
    const dataset = apply(records);
    expect(dataset.learnerIds).toEqual(['Zoe', 'ada']);
    expect([...dataset.learnerRowStart]).toEqual([0, 1, 3]);
    expect([0, 4, 8].map((i) => dataset.rows[i])).toEqual([1, -0.5, 0.5]);
  });

  test('does not depend on the order in which learners arrive', () => {
    const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(ids, (learners) => {
        const records = learners.map((id, i) => record({ score: String(i) }, id, i + 2));
        expect(apply(records.toReversed())).toEqual(apply(records));
      }),
    );
  });

  test('keeps every input in [-1, 1], whatever the source holds', () => {
    const number = fc.double({ noDefaultInfinity: true, noNaN: true });
    fc.assert(
      fc.property(number, number, (score, clicks) => {
        const { rows } = apply([record({ score, clicks })]);
        for (const input of rows) expect(Math.abs(input)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test.each([
    ['csv-not-a-number', 'score', { score: 'secret' }],
    ['csv-not-a-number', 'score', { score: 'NaN' }],
    ['csv-not-a-number', 'score', { score: 'Infinity' }],
    ['csv-not-a-number', 'score', { score: '0x10' }],
    ['csv-not-a-number', 'clicks', { clicks: Number.NaN }],
    ['csv-value-missing', 'clicks', { clicks: '' }],
    ['csv-not-a-flag', 'y', { y: '2' }],
    ['csv-not-a-number', 'mark', { mark: 'secret' }],
    ['csv-encoding', 'module', { module: 'math\uFFFD' }],
    ['csv-encoding', 'result', { result: '\uFFFD' }],
  ])(
    'drops a row with %s in column %s, not its learner and not the others',
    (refused, column, values) => {
      const records = [record(), record(values, 'abe', 17), record({ score: '0' }, 'zoe', 18)];
      const { data, dropped } = contracted(records);
      expect(dropped).toEqual([{ refused, facts: { file: 'tiny.csv', row: 17, column } }]);
      const { rows, labels } = apply([record(), record({ score: '0' }, 'zoe', 18)]);
      const kept = {
        learnerIds: ['abe', 'ada', 'zoe'],
        learnerRowStart: Uint32Array.of(0, 0, 1, 2),
      };
      expect(data).toEqual({ rows, labels, ...kept });
    },
  );

  test('a learner with too many rows gives up the oldest of those that can be used', () => {
    const scores = ['0', '25', 'bad', '75', 'bad'];
    const { data, dropped } = contracted(scores.map((score, i) => record({ score }, 'ada', i + 2)));
    expect(data).toEqual(apply([record({ score: '25' }), record({ score: '75' })]));
    expect(dropped.map(({ facts }) => facts.row)).toEqual([4, 6]);
  });

  test('whatever one row holds, the data are those without it or with only its own changed', () => {
    const cell = fc.oneof(fc.string(), fc.double(), fc.constantFrom(null, '\uFFFD', '1e999', '-'));
    const field = fc.constantFrom(...Object.keys(plain));
    const learner = fc.constantFrom('ada', 'abe', 'zoe');
    const others = fc.array(fc.tuple(learner, fc.nat(100)), { maxLength: 8 });
    fc.assert(
      fc.property(others, fc.nat(8), fc.tuple(field, cell), (drawn, at, [name, value]) => {
        const before = drawn.map(([id, score], i) => record({ score }, id, i + 2));
        const bad = record({ [name]: value }, 'max', 99);
        const { data, dropped } = contracted(before.toSpliced(at, 0, bad));
        const { learnerIds, learnerRowStart, rows, labels } = apply(before);
        // In id order the learner stands before zoe: its rows end where hers begin.
        const place = learnerIds.filter((id) => id < 'max').length;
        const from = learnerRowStart[place] ?? 0;
        const own = dropped.length === 0 ? 1 : 0;
        const starts = [...learnerRowStart].map((start, i) => start + (i > place ? own : 0));
        expect(data.learnerIds).toEqual(learnerIds.toSpliced(place, 0, 'max'));
        expect([...data.learnerRowStart]).toEqual(starts.toSpliced(place + 1, 0, from + own));
        expect([...data.rows].toSpliced(4 * from, 4 * own)).toEqual([...rows]);
        expect([...data.labels].toSpliced(3 * from, 3 * own)).toEqual([...labels]);
      }),
    );
  });

  test('refuses a column that the source does not have', () => {
    const { module: _, ...values } = plain;
    const refusal = applyContract(contract, [
      { learnerId: 'ada', file: 'tiny.csv', row: 2, values },
    ]);
    expect(refusal).toMatchObject({ refused: 'csv-column-missing', facts: { column: 'module' } });
  });

  test('does not take what every object inherits for a column', () => {
    const inherited = { name: 'x', field: 'constructor', transform: 'missing' } as const;
    const refusal = applyContract({ ...contract, features: [inherited] }, [record()]);
    expect(refusal).toMatchObject({ refused: 'csv-column-missing' });
  });

  test('gives an empty dataset for no records', () => {
    expect(apply([])).toMatchObject({ learnerIds: [], learnerRowStart: new Uint32Array(1) });
  });
});

describe('checkContract', () => {
  test.each([contract, ouladDay56, syntheticContract])('accepts $id', (sound) => {
    expect(checkContract(sound)).toBeUndefined();
  });

  const [feature, ...others] = contract.features;
  const spoiled = (change: object) => ({ features: [{ ...feature, ...change }, ...others] });
  test.each([
    ['no feature', { features: [] }],
    ['no head', { heads: [] }],
    ['too many rows', { rowsPerLearnerMax: 7 }],
    ['a name twice', spoiled({ name: 'clicks' })],
    ['the id as an input', spoiled({ field: 'id' })],
    ['a label as an input', spoiled({ field: 'mark' })],
    ['bounds the wrong way round', spoiled({ lower: 100 })],
    ['an infinite bound', spoiled({ upper: Number.POSITIVE_INFINITY })],
    ['a NaN bound', spoiled({ upper: Number.NaN })],
    ['a log below zero', spoiled({ transform: 'log', lower: -1 })],
    ['a stand-in outside [-1, 1]', spoiled({ whenMissing: 5 })],
  ])('refuses %s', (_, change) => {
    const refusal = checkContract({ ...contract, ...change } as FeatureContract);
    expect(refusal).toMatchObject({ refused: 'contract-invalid' });
  });
});

test('contractFields names every field once, the learner first', () => {
  expect(contractFields(contract)).toEqual([
    'id',
    'score',
    'clicks',
    'module',
    'y',
    'mark',
    'result',
  ]);
});

test('no contract reads a protected attribute', () => {
  const closed = /gender|sex|age|disab|imd|depriv|ethnic|region/;
  for (const { features } of [ouladDay56, syntheticContract]) {
    expect(features.filter(({ field }) => closed.test(field))).toEqual([]);
  }
});

test.each([
  ['12', 12],
  ['-.5', -0.5],
  ['1.', 1],
  ['+2E-3', 0.002],
  ['', undefined],
  ['1,5', undefined],
  ['1e999', undefined],
  ['12 ', undefined],
  ['nan', undefined],
])('decimalOf(%j) is %s', (text, value) => {
  expect(decimalOf(text)).toBe(value);
});

test('the page names every input and its field', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/feature-contract.md'), 'utf8');
  for (const { name, field, ...rest } of ouladDay56.features) {
    if (name.startsWith('module_')) continue;
    const bounds = 'lower' in rest ? `${rest.lower} to ${rest.upper}` : '';
    const row = `| \`${name}\` | \`${field}\` | ${rest.transform} | ${bounds}`;
    expect(page).toContain(row);
  }
});
