import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BINS, binOf, encodeScores, ROWS_MAX, scoreHistogram } from './score-histogram.ts';

const histogram = scoreHistogram(2);

describe('layout', () => {
  test('parts cover every coordinate once, in order', () => {
    let end = 0;
    for (const part of histogram.parts) {
      expect(part.offset).toBe(end);
      end += part.width;
    }
    expect(end).toBe(histogram.dimension);
    expect(histogram.dimension).toBe(2 * 33);
  });

  test('Delta is 120 sqrt(1.25 H), rounded up to an integer', () => {
    expect(scoreHistogram(1).deltaSquared).toBe(18_000);
    expect(scoreHistogram(4).deltaSquared).toBe(72_000);
    expect(scoreHistogram(4).deltaGrid).toBe(269);
  });

  test('bins are half a logit wide and cover all scores', () => {
    const logit = (score: number) => Math.log(score / (1 - score));
    for (let score = 0.001; score < 1; score += 0.001) {
      const bin = Math.min(Math.max(Math.floor((logit(score) + 4) * 2), 0), BINS - 1);
      expect(binOf(score)).toBe(bin);
    }
    expect([binOf(0), binOf(0.5), binOf(1)]).toEqual([0, 8, 15]);
  });
});

describe('encodeScores', () => {
  test('counts rows in units of 120 over the learner number of rows', () => {
    // One learner of two rows: pass .5 right, .5 wrong; the second row has no label for head 1.
    const sum = encode(
      [
        [0.5, 0.9, 1, 0],
        [0.5, 0.1, 0, Number.NaN],
      ],
      [2],
    );
    const expected = new Int32Array(histogram.dimension);
    expected[16 + 8] = 60;
    expected[8] = 60;
    expected[32] = 2 * Math.round(60 * (Math.LN2 / 4 - 0.5));
    expected[33 + binOf(0.9)] = 60;
    expected[33 + 32] = Math.round(60 * (-Math.log(0.1) / 4 - 0.5));
    expect(sum).toEqual(expected);
  });

  test('the worst learner reaches Delta and none passes it', () => {
    for (let rows = 1; rows <= ROWS_MAX; rows++) {
      const certain = Array.from({ length: rows }, () => [0, 0, 1, 1]);
      expect(squares(encode(certain, [rows]))).toBe(histogram.deltaSquared);
    }
    const score = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1));
    const row = fc.tuple(score, score, fc.constantFrom(0, 1, NaN), fc.constantFrom(0, 1, NaN));
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: ROWS_MAX }), (rows) => {
        expect(squares(encode(rows, [rows.length]))).toBeLessThanOrEqual(histogram.deltaSquared);
      }),
    );
  });

  test('a learner without rows, or with a score or label that cannot be, adds nothing', () => {
    const good = [0.5, 0.5, 1, 0];
    const alone = encode([good], [1]);
    expect(encode([good], [0, 1, 0])).toEqual(alone);
    const bad = [
      [Number.NaN, 0.5, 1, 0],
      [1.5, 0.5, 1, 0],
      [0.5, -0.1, 1, 0],
      [0.5, 0.5, 0.5, 0],
      [0.5, Infinity, 1, Number.NaN],
    ];
    for (const row of bad) expect(encode([row, good, good], [2, 1])).toEqual(alone);
  });

  test('a learner with more rows than the contract allows is a programmer error', () => {
    const rows = Array.from({ length: 7 }, () => [0.5, 0.5, 1, 1]);
    expect(() => encode(rows, [7])).toThrow('7 rows, at most 6');
  });
});

/** Rows as [score, score, label, label]. */
function encode(rows: readonly (readonly number[])[], rowCounts: readonly number[]): Int32Array {
  const learnerRowStart = new Uint32Array(rowCounts.length + 1);
  for (const [i, count] of rowCounts.entries())
    learnerRowStart[i + 1] = learnerRowStart[i]! + count;
  return encodeScores({
    histogram,
    scores: Float32Array.from(rows.flatMap((row) => row.slice(0, 2))),
    labels: Float32Array.from(rows.flatMap((row) => row.slice(2))),
    learnerRowStart,
  });
}

function squares(values: Int32Array): number {
  return values.reduce((sum, x) => sum + x * x, 0);
}
