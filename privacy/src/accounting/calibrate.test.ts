import fc from 'fast-check';
import { expect, test } from 'vitest';
import vectors from '../../../test/vector/dp_public.json' with { type: 'json' };
import { isRefusal, type Refusal } from '../refusal.ts';
import { epsilonOf, filterLoss } from './accountant.ts';
import { noiseMultiplierFor, rateFor, roundsFor } from './calibrate.ts';
import { filterBudget } from './convert.ts';

function granted<T>(value: T | Refusal): T {
  if (isRefusal(value)) throw new Error(JSON.stringify(value));
  return value;
}

test.each(vectors.calibration)('$id: noise for epsilon $target_eps', (known) => {
  const { target_eps: epsilon, delta, q: rate, steps: rounds } = known;
  const found = granted(noiseMultiplierFor({ epsilon, delta, rate, rounds }));
  expect(found.epsilon).toBeLessThanOrEqual(epsilon);
  expect(Math.abs(found.value / known.sigma_rdp_exact - 1)).toBeLessThan(1e-6);
  expect(found.value).toBeGreaterThan(known.sigma_ref);
});

test.each(vectors.idp_sample_scale)(
  '$id: rate and noise of a unit with its own budget',
  (known) => {
    const { target_eps: epsilon, sigma, steps: rounds, delta } = known;
    // The vector's reference is tighter (PLD): RDP admits a smaller rate, asks for more noise.
    const rate = granted(rateFor({ epsilon, delta, noiseMultiplier: sigma, rounds }));
    expect(rate.value / known.sample_q).toBeGreaterThan(0.65);
    expect(rate.value / known.sample_q).toBeLessThan(1);
    const noise = granted(noiseMultiplierFor({ epsilon, delta, rate: 0.05, rounds }));
    expect(noise.value / known.scale_sigma_at_q005).toBeGreaterThan(1);
    expect(noise.value / known.scale_sigma_at_q005).toBeLessThan(1.1);
  },
);

test('200 rounds at rate 0.1 and epsilon 2 want a multiplier near 3.2', () => {
  const target = { epsilon: 2, delta: 1e-5, rate: 0.1, rounds: 200 };
  const { value } = granted(noiseMultiplierFor({ ...target, order: 12 }));
  expect(value).toBeGreaterThan(3.005);
  expect(value).toBeLessThan(3.4);
});

test('at one order it stops where the filter stops', () => {
  const target = { epsilon: 2, delta: 1e-5, order: 8 };
  const spent = [{ kind: 'subsampled-gaussian', rate: 1, noiseMultiplier: 20, rounds: 3 } as const];
  const rounds = granted(roundsFor({ ...target, noiseMultiplier: 4, rate: 0.1, spent }));
  const budget = filterBudget(8, 2, 1e-5);
  const loss = (count: number) => {
    const run = { ...spent[0]!, rate: 0.1, noiseMultiplier: 4, rounds: count };
    return filterLoss([...spent, run], 8);
  };
  expect(loss(rounds.value)).toBeLessThanOrEqual(budget);
  expect(loss(rounds.value + 1)).toBeGreaterThan(budget);
  expect(rounds).toMatchObject({ order: 8 });
});

test('each parameter is the last that fits', () => {
  const orders = [1.5, 2, 3, 4, 6, 8, 12, 16, 32];
  const epsilons = fc.double({ min: 1, max: 10, noNaN: true });
  fc.assert(
    fc.property(epsilons, fc.constantFrom(0.01, 0.2, 1), (epsilon, rate) => {
      const delta = 1e-6;
      const eps = (q: number, noiseMultiplier: number, rounds: number) => {
        const kind = 'subsampled-gaussian';
        const events = [{ kind, rate: q, noiseMultiplier, rounds }] as const;
        return granted(epsilonOf({ events, delta, orders })).epsilon;
      };
      const target = { epsilon, delta, orders };
      const noise = granted(noiseMultiplierFor({ ...target, rate, rounds: 50 })).value;
      expect(eps(rate, noise, 50)).toBeLessThanOrEqual(epsilon);
      expect(eps(rate, noise * (1 - 2e-9), 50)).toBeGreaterThan(epsilon);
      const rounds = granted(roundsFor({ ...target, rate, noiseMultiplier: noise })).value;
      expect(rounds).toBe(50);
      const q = granted(rateFor({ ...target, rounds: 80, noiseMultiplier: noise })).value;
      expect(Number.isInteger(q * 2 ** 32)).toBe(true);
      expect(eps(q, noise, 80)).toBeLessThanOrEqual(epsilon);
      expect(eps(q + 2 ** -32, noise, 80)).toBeGreaterThan(epsilon);
    }),
    { numRuns: 15 },
  );
});

test('D-6: the noise is never below the exact Gaussian and at most 12 % above', () => {
  for (const epsilon of [0.1, 0.5, 1, 4, 20]) {
    for (const rounds of [1, 100, 10_000]) {
      const delta = 1e-5;
      const { value } = granted(noiseMultiplierFor({ epsilon, delta, rate: 1, rounds }));
      const exact = exactGaussianNoise(epsilon, delta) * Math.sqrt(rounds);
      expect(value / exact, `epsilon ${epsilon}, ${rounds} rounds`).toBeGreaterThan(1);
      expect(value / exact, `epsilon ${epsilon}, ${rounds} rounds`).toBeLessThan(1.12);
    }
  }
});

/** Noise of one Gaussian release, Balle and Wang, arXiv 1805.06530, by bisection. */
function exactGaussianNoise(epsilon: number, delta: number): number {
  let [low, high] = [0.05, 1e4];
  while (high / low - 1 > 1e-9) {
    const middle = Math.sqrt(low * high);
    const mu = 1 / middle;
    const tail = normalCdf(mu / 2 - epsilon / mu);
    const spent = tail - Math.exp(epsilon) * normalCdf(-mu / 2 - epsilon / mu);
    if (spent <= delta) high = middle;
    else low = middle;
  }
  return high;
}

/** Simpson's rule over 40 standard deviations' worth of tail: 1e-12 absolute is ample here. */
function normalCdf(x: number): number {
  const [from, steps] = [Math.min(x, 0) - 12, 4000];
  const h = (x - from) / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2;
    sum += weight * Math.exp(-((from + i * h) ** 2) / 2);
  }
  return (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

test('what cannot be is refused with the bound', () => {
  const target = { epsilon: 1, delta: 1e-6, order: 1.5 };
  const noise = noiseMultiplierFor({ ...target, rate: 1, rounds: 10 });
  expect(noise).toMatchObject({
    refused: 'calibration-impossible',
    facts: { field: 'noiseMultiplier', bound: 1e6 },
  });
  const rate = rateFor({ ...target, noiseMultiplier: 1, rounds: 10 });
  expect(rate).toMatchObject({ refused: 'calibration-impossible', facts: { field: 'rate' } });
  const rounds = roundsFor({ ...target, order: 8, noiseMultiplier: 0.3, rate: 1 });
  expect(rounds).toMatchObject({
    refused: 'calibration-impossible',
    facts: { field: 'rounds', bound: 1 },
  });
});

test.each([0, -1, Number.NaN, 1001])('target epsilon %s is refused', (epsilon) => {
  const refusal = noiseMultiplierFor({ epsilon, delta: 1e-6, rate: 0.1, rounds: 10 });
  expect(refusal).toMatchObject({ refused: 'epsilon-out-of-range', facts: { max: 1e3 } });
});

test.each([
  [{ rate: 2, rounds: 10 }, 'event-out-of-range'],
  [{ rate: 0.1, rounds: 1.5 }, 'event-out-of-range'],
  [{ rate: 0.1, rounds: 10, order: 1 }, 'order-out-of-range'],
])('%j is refused', (input, refused) => {
  expect(noiseMultiplierFor({ epsilon: 1, delta: 1e-6, ...input })).toMatchObject({ refused });
});
