import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { isTraining, ouladSplit, splitLearners } from './split.ts';

const record = (learnerId: string, row: number) => ({ learnerId, file: 'f', row, values: {} });

test('follows the published rule', () => {
  for (let id = 6516; id < 7516; id++) {
    const hash = createHash('sha256').update(`oulad-v1:${id}`).digest();
    expect(isTraining(String(id), ouladSplit)).toBe(hash.readUInt32BE(0) % 100 < 80);
  }
});

test('keeps all rows of a learner on one side', () => {
  const records = Array.from({ length: 3000 }, (_, i) => record(`l${i % 1000}`, i));
  const { train, heldOut } = splitLearners(records, { salt: 's:', trainPercent: 70 });
  const ids = new Set(train.map((r) => r.learnerId));
  expect(train.length + heldOut.length).toBe(3000);
  expect(heldOut.some((r) => ids.has(r.learnerId))).toBe(false);
  // Six standard deviations of a binomial.
  expect(Math.abs(ids.size - 700)).toBeLessThan(87);
});

test('another salt is another split', () => {
  const side = (salt: string) =>
    Array.from({ length: 64 }, (_, i) => isTraining(`l${i}`, { salt, trainPercent: 50 }));
  expect(side('a:')).not.toEqual(side('b:'));
});

test.each([0, 100, 79.5, Number.NaN])('trainPercent %s is a programmer error', (trainPercent) => {
  expect(() => isTraining('l', { salt: '', trainPercent })).toThrow(RangeError);
});
