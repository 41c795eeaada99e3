import { expect, test } from 'vitest';
import { oddsOf } from './odds.ts';

test.each([
  [0, 50, 50],
  [1, 73, 27],
  [2, 88, 12],
  [4, 98, 2],
  [5, 99.33, 0.67],
  [8, 99.97, 0.03],
  [12, 99.9994, 0.0006],
])('epsilon %s is %s:%s', (epsilon, forIt, against) => {
  expect(oddsOf(epsilon)).toEqual({ for: forIt, against });
});

test.each([-1, Number.NaN])('epsilon %s throws', (epsilon) => {
  expect(() => oddsOf(epsilon)).toThrow(RangeError);
});
