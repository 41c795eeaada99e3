import { expect, test } from 'vitest';
import { utf8 } from '../crypto/bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { Prg } from '../crypto/prg.ts';
import { poissonSample, rateToThreshold, sampleSizeMax, thresholdToRate } from './poisson.ts';

const prg = (seed: string) => new Prg(sha256(utf8(seed)));

test.each([
  [1, 2 ** 32],
  [0.5, 2 ** 31],
  [0.1, 429_496_729],
  [2 ** -32, 1],
])('rate %s is threshold %i, and never more than asked', (rate, threshold) => {
  expect(rateToThreshold(rate)).toBe(threshold);
  expect(thresholdToRate(threshold)).toBeLessThanOrEqual(rate);
});

test.each([0, 2 ** -33, 1.1, -0.1, Number.NaN])('rate %s throws', (rate) => {
  expect(() => rateToThreshold(rate)).toThrow(RangeError);
});

test('rate 1 draws everybody', () => {
  expect(poissonSample(1000, 2 ** 32, prg('all'))).toEqual(
    Uint32Array.from({ length: 1000 }, (_, i) => i),
  );
});

test('T3: sample sizes are binomial, not fixed, and every learner is drawn as often', () => {
  const [count, rate, rounds] = [400, 0.1, 3000];
  const threshold = rateToThreshold(rate);
  const drawn = new Float64Array(count);
  let [sum, squares] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const sample = poissonSample(count, threshold, prg(`round ${round}`));
    for (const i of sample) drawn[i]! += 1;
    sum += sample.length;
    squares += (sample.length - count * rate) ** 2;
  }
  const variance = count * rate * (1 - rate);
  expect(Math.abs(sum / rounds - count * rate)).toBeLessThan(5 * Math.sqrt(variance / rounds));
  expect(Math.abs(squares / rounds / variance - 1)).toBeLessThan(5 * Math.sqrt(2 / rounds));
  const spread = Math.sqrt(rounds * rate * (1 - rate));
  for (const times of drawn) expect(Math.abs(times - rounds * rate)).toBeLessThan(5 * spread);
});

test('the coin of a slot does not depend on the roll behind it', () => {
  const threshold = rateToThreshold(0.3);
  const long = poissonSample(900, threshold, prg('roll'));
  const short = poissonSample(500, threshold, prg('roll'));
  expect(short).toEqual(long.filter((i) => i < 500));
});

test('the size bound holds in every sample and never exceeds the roll', () => {
  expect(sampleSizeMax(1000, 1)).toBe(1000);
  expect(sampleSizeMax(5, 0.5)).toBe(5);
  expect(sampleSizeMax(10_000, 0.1)).toBe(1300);
});
