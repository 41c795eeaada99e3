import fc from 'fast-check';
import { expect, test } from 'vitest';
import vectors from '../../../test/vector/dp_public.json' with { type: 'json' };
import { rdp } from './rdp.ts';

test.each(vectors.rdp_points)('$id: q $q, s $sigma, order $alpha', (point) => {
  const value = rdp({ rate: point.q, noiseMultiplier: point.sigma, order: point.alpha });
  expect(Math.abs(value / point.rdp - 1)).toBeLessThan(1e-12);
});

/** The closed form of integer orders (arXiv 1908.10530, section 3.3): independent arithmetic. */
function closedForm(rate: number, noiseMultiplier: number, order: number): number {
  const terms: number[] = [];
  let logBinomial = 0;
  for (let k = 0; k <= order; k++) {
    if (k > 0) logBinomial += Math.log((order - k + 1) / k);
    const coins = k * Math.log(rate) + (order - k) * Math.log1p(-rate);
    terms.push(logBinomial + coins + (k * (k - 1)) / (2 * noiseMultiplier ** 2));
  }
  const largest = Math.max(...terms);
  const sum = terms.reduce((total, term) => total + Math.exp(term - largest), 0);
  return (largest + Math.log(sum)) / (order - 1);
}

test('integer orders agree with the closed form, small noise and overflow of e^t included', () => {
  for (const rate of [1e-6, 0.001, 0.3, 0.9999]) {
    for (const noiseMultiplier of [0.05, 0.07, 0.2, 0.8, 4, 50]) {
      for (const order of [2, 3, 7, 64, 200]) {
        const value = rdp({ rate, noiseMultiplier, order });
        // The closed form loses 1e-15 absolutely, which a tiny divergence shows.
        const allowed = 1e-11 * value + 1e-13;
        const expected = closedForm(rate, noiseMultiplier, order);
        expect(Math.abs(value - expected), `${rate} ${noiseMultiplier} ${order}`).toBeLessThan(
          allowed,
        );
      }
    }
  }
});

test('real orders where e^t overflows lie between their integer neighbours', () => {
  for (const order of [2.5, 3.7, 4.01, 5.9]) {
    const at = (alpha: number) => rdp({ rate: 0.3, noiseMultiplier: 0.07, order: alpha });
    expect(at(order)).toBeGreaterThan(at(Math.floor(order)));
    expect(at(order)).toBeLessThan(at(Math.ceil(order)));
    const mean = (at(order - 1e-4) + at(order + 1e-4)) / 2;
    expect(Math.abs(at(order) / mean - 1)).toBeLessThan(1e-7);
  }
});

test('rate 1 is the plain Gaussian and the limit of rates below', () => {
  for (const [noiseMultiplier, order] of [
    [0.6, 1.5],
    [3, 8],
    [20, 300],
  ] as const) {
    const plain = rdp({ rate: 1, noiseMultiplier, order });
    expect(plain).toBeCloseTo(order / (2 * noiseMultiplier ** 2), 12);
    const near = rdp({ rate: 1 - 1e-12, noiseMultiplier, order });
    expect(Math.abs(near / plain - 1)).toBeLessThan(1e-9);
  }
});

test('rate 0 costs nothing', () => {
  expect(rdp({ rate: 0, noiseMultiplier: 1, order: 2 })).toBe(0);
});

test.each([1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])('order %s throws', (order) => {
  expect(() => rdp({ rate: 0.1, noiseMultiplier: 1, order })).toThrow(RangeError);
});

test('grows with rate and order, falls with noise', () => {
  const rate = fc.double({ min: 1e-6, max: 0.98, noNaN: true });
  const noise = fc.double({ min: 0.3, max: 50, noNaN: true });
  const order = fc.double({ min: 1.1, max: 64, noNaN: true });
  fc.assert(
    fc.property(rate, noise, order, (q, s, alpha) => {
      const base = rdp({ rate: q, noiseMultiplier: s, order: alpha });
      const slack = 1 + 1e-12;
      expect(rdp({ rate: q * 1.02, noiseMultiplier: s, order: alpha }) * slack).toBeGreaterThan(
        base,
      );
      expect(rdp({ rate: q, noiseMultiplier: s, order: alpha * 1.02 }) * slack).toBeGreaterThan(
        base,
      );
      expect(rdp({ rate: q, noiseMultiplier: s * 1.02, order: alpha })).toBeLessThan(base * slack);
    }),
    { numRuns: 60 },
  );
});
