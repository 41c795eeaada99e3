import { utf8 } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { describe, expect, test } from 'vitest';
import { syntheticContract } from '../outcome/contracts/synthetic.ts';
import { contractFields } from '../outcome/feature-contract.ts';
import { drawCohort, drawUnit } from './cohort.ts';
import { courseCatalogue } from './courses.ts';
import { observedShare, outcomes } from './outcomes.ts';
import { Random } from './random.ts';
import { itemBank, rightProbability, skills } from './skills.ts';
import { cohortUnits } from './units.ts';

const SEED = 7;
const cohort = drawCohort(SEED).map((unit) => ({ ...unit, rows: rowsOf(unit.csv) }));
const small = cohortUnits.at(-1)!;

function rowsOf(csv: string): Record<string, string>[] {
  const [header, ...lines] = csv.trimEnd().split('\n');
  const columns = header!.split(',');
  return lines.map((line) =>
    Object.fromEntries(line.split(',').map((cell, i) => [columns[i]!, cell])),
  );
}

describe('drawCohort', () => {
  test('a seed is a data set, to the byte, whichever units are drawn', () => {
    expect(cohort.at(-1)).toMatchObject(drawUnit(small, SEED));
    expect(drawUnit(small, SEED + 1).csv).not.toBe(cohort.at(-1)!.csv);
    const digest = Buffer.from(sha256(utf8(cohort.at(-1)!.csv))).toString('hex');
    expect(digest).toBe('3304ac286f53469787f8c91169b55d2095f54dc3299b0f8163154407902ad963');
  });

  test('has ten units of unequal size, each with its learners', () => {
    expect(cohort.map((unit) => unit.learnerIds.length)).toEqual(
      cohortUnits.map((unit) => unit.learners),
    );
    expect(new Set(cohort.flatMap((unit) => unit.learnerIds)).size).toBe(23_500);
    expect(small.learners).toBe(500);
  });

  test('gives one to three rows a learner and every field of the contract', () => {
    const { rows } = cohort.at(-1)!;
    const perLearner = Map.groupBy(rows, (row) => row.learner_id);
    expect(perLearner.size).toBe(small.learners);
    const counts = [...perLearner.values()].map((own) => own.length);
    expect([...new Set(counts)].sort()).toEqual([1, 2, 3]);
    for (const field of contractFields(syntheticContract)) expect(rows[0]).toHaveProperty(field);
  });

  test('the truth is what the outcomes were drawn with', () => {
    const bins = outcomes.map(() => Array.from({ length: 10 }, () => ({ n: 0, ones: 0, p: 0 })));
    let rowCount = 0;
    for (const { rows, truth } of cohort) {
      for (const [i, row] of rows.entries()) {
        rowCount += 1;
        for (const [h, outcome] of outcomes.entries()) {
          if (row[outcome] === '') continue;
          const p = truth[i * outcomes.length + h]!;
          const bin = bins[h]![Math.floor(p * 10)]!;
          bin.n += 1;
          bin.ones += Number(row[outcome]);
          bin.p += p;
        }
      }
    }
    for (const [h, own] of bins.entries()) {
      const observed = own.reduce((sum, bin) => sum + bin.n, 0) / rowCount;
      expect(Math.abs(observed - observedShare[h]!)).toBeLessThan(0.015);
      for (const { n, ones, p } of own) {
        // Five standard deviations of a binomial.
        expect(Math.abs(ones - p)).toBeLessThan(5 * Math.sqrt(n / 4) + 1);
      }
    }
  });

  test('the truth separates: no outcome is a coin, none is certain', () => {
    for (const [h, outcome] of outcomes.entries()) {
      const pairs = cohort.flatMap(({ rows, truth }) =>
        rows.flatMap((row, i) =>
          row[outcome] === '' ? [] : [{ y: row[outcome], p: truth[i * outcomes.length + h]! }],
        ),
      );
      const area = auc(pairs);
      expect(area).toBeGreaterThan(0.78);
      expect(area).toBeLessThan(0.9);
    }
  });

  test('units drift: base rates differ by more than chance', () => {
    const rates = cohort.map(({ truth }) => {
      const transfer = truth.filter((_, i) => i % outcomes.length === 3);
      return transfer.reduce((a, b) => a + b, 0) / transfer.length;
    });
    expect(Math.max(...rates) - Math.min(...rates)).toBeGreaterThan(0.1);
  });
});

test('normal draws have mean 0, variance 1 and no excess of either sign', () => {
  const random = new Random(1, 'test');
  const draws = Array.from({ length: 40_000 }, () => random.normal());
  const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
  const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
  // Five standard errors: 1/200 of the mean, sqrt(2)/200 of the variance.
  expect(Math.abs(mean)).toBeLessThan(0.025);
  expect(Math.abs(variance - 1)).toBeLessThan(0.036);
  const inside = draws.filter((x) => Math.abs(x) < 1.96).length / draws.length;
  expect(Math.abs(inside - 0.95)).toBeLessThan(0.006);
});

test('integers cover both ends evenly', () => {
  const random = new Random(2, 'test');
  const counts = [0, 0, 0];
  for (let i = 0; i < 9000; i++) counts[random.integer(-1, 1) + 1]! += 1;
  for (const count of counts) expect(Math.abs(count - 3000)).toBeLessThan(5 * Math.sqrt(2000));
});

test('more ability never lowers the chance of a right answer', () => {
  for (const item of itemBank(SEED).flat()) {
    expect(rightProbability(item, item.difficulty)).toBe(0.5);
    expect(rightProbability(item, 1)).toBeGreaterThan(rightProbability(item, 0));
  }
});

test('every skill is trained by some course', () => {
  const courses = courseCatalogue(SEED);
  for (const k of skills.keys()) expect(courses.some((c) => c.weights[k] === 1)).toBe(true);
});

function auc(pairs: readonly { y: string | undefined; p: number }[]): number {
  const sorted = pairs.toSorted((a, b) => a.p - b.p);
  let rankSum = 0;
  let ones = 0;
  for (const [i, { y }] of sorted.entries()) {
    if (y !== '1') continue;
    rankSum += i + 1;
    ones += 1;
  }
  return (rankSum - (ones * (ones + 1)) / 2) / (ones * (pairs.length - ones));
}
