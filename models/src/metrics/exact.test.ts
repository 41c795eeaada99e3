import fc from 'fast-check';
import { expect, test } from 'vitest';
import { auc, columnOf, logLoss } from './exact.ts';

test('AUC is the share of ordered pairs, ties half, rows without label left out', () => {
  const row = fc.record({
    score: fc.integer({ min: 0, max: 5 }),
    label: fc.constantFrom(0, 1, Number.NaN),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), (rows) => {
      let pairs = 0;
      let ordered = 0;
      for (const a of rows) {
        for (const b of rows) {
          if (a.label !== 1 || b.label !== 0) continue;
          pairs++;
          ordered += a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0;
        }
      }
      const actual = auc({ scores: rows.map((r) => r.score), labels: rows.map((r) => r.label) });
      if (pairs === 0) expect(actual).toBeNaN();
      else expect(actual).toBeCloseTo(ordered / pairs, 12);
    }),
  );
});

test('log loss by hand, and finite for a certain mistake', () => {
  expect(logLoss({ scores: [0.5, 0.25, 0.9], labels: [1, 0, Number.NaN] })).toBeCloseTo(
    -(Math.log(0.5) + Math.log(0.75)) / 2,
    12,
  );
  expect(logLoss({ scores: [0], labels: [1] })).toBeCloseTo(Math.log(1e7), 6);
});

test('a head is a column', () => {
  expect(columnOf(Float32Array.of(1, 2, 3, 4, 5, 6), 3, 1)).toEqual(Float32Array.of(2, 5));
});
