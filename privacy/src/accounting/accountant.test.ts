import fc from 'fast-check';
import { expect, test } from 'vitest';
import vectors from '../../../test/vector/dp_public.json' with { type: 'json' };
import { isRefusal } from '../refusal.ts';
import { composedRdp, defaultOrders, epsilonOf, filterLoss } from './accountant.ts';
import { epsilonAt, filterBudget } from './convert.ts';
import type { PrivacyEvent } from './event.ts';

const shortOrders = [1.25, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64];

function event(rate: number, noiseMultiplier: number, rounds: number): PrivacyEvent {
  return { kind: 'subsampled-gaussian', rate, noiseMultiplier, rounds };
}

function epsilon(events: PrivacyEvent[], delta: number, orders?: number[]): number {
  const bound = epsilonOf({ events, delta, orders });
  if (isRefusal(bound)) throw new Error(JSON.stringify(bound));
  return bound.epsilon;
}

test('the default orders are those of the reference accountant', () => {
  expect(defaultOrders.length).toBe(99 + 53 + 4);
  expect(defaultOrders.slice(0, 3)).toEqual([1.1, 1.2, 1.3]);
  expect(defaultOrders.slice(97, 101)).toEqual([10.8, 10.9, 11, 12]);
});

test.each(vectors.cases)('$id: q $q, sigma $sigma, $steps steps', (known) => {
  const bound = epsilonOf({
    events: [event(known.q, known.sigma, known.steps)],
    delta: known.delta,
  });
  if (isRefusal(bound)) throw new Error(bound.refused);
  const exact = known.eps_rdp_exact;
  expect(Math.abs(bound.epsilon - exact)).toBeLessThanOrEqual(1e-9 * Math.max(1, exact));
  expect(bound.epsilon).toBeLessThanOrEqual(known.eps_rdp * (1 + 1e-9));
  // Sound: never below the true epsilon.
  expect(bound.epsilon).toBeGreaterThan(known.eps_ref - 2 * known.eps_ref_err - 1e-7);
  expect(bound.order).toBe(known.rdp_exact_opt_order);
  expect(bound.orderEdge).toBe(bound.order === 1024);
});

test.each(vectors.heterogeneous)('$id: $name', (known) => {
  const events = known.sequence.map(({ q, sigma, count }) => event(q, sigma, count));
  const value = epsilon(events, known.delta);
  expect(Math.abs(value - known.eps_rdp_exact)).toBeLessThan(1e-9 * Math.max(1, value));
});

test.each(vectors.analytic_gaussian)('$id: rdp is above the exact Gaussian, and near', (known) => {
  const value = epsilon([event(1, known.sigma, 1)], known.delta);
  expect(value).toBeGreaterThanOrEqual(known.eps);
  expect(value).toBeLessThan(known.eps * 1.25 + 0.01);
});

test('no events and no rounds cost nothing', () => {
  expect(epsilon([], 1e-6)).toBe(0);
  expect(epsilon([event(0.1, 1, 0)], 1e-6)).toBe(0);
  expect(epsilon([event(0, 1, 1000)], 1e-6)).toBe(0);
});

test('a best order at the edge of the list is flagged', () => {
  const events = [event(0.01, 1, 1000)];
  const orders = [1.5, 2, 3];
  expect(epsilonOf({ events, delta: 1e-6, orders })).toMatchObject({ order: 3, orderEdge: true });
  expect(epsilonOf({ events, delta: 1e-6 })).toMatchObject({ orderEdge: false });
});

test.each([0, 1, -1, Number.NaN, 2])('delta %s is refused', (delta) => {
  expect(epsilonOf({ events: [], delta })).toMatchObject({ refused: 'delta-out-of-range' });
});

test.each([[[]], [[1]], [[2, 1.01]], [[Number.NaN]]])('orders %j are refused', (orders) => {
  const refusal = epsilonOf({ events: [], delta: 1e-6, orders });
  expect(refusal).toMatchObject({ refused: 'order-out-of-range', facts: { min: 1.05 } });
});

test('an unknown or impossible event is refused, never skipped', () => {
  const laplace = { ...event(1, 1, 1), kind: 'laplace' } as unknown as PrivacyEvent;
  const events = [event(0.1, 1, 1), laplace];
  expect(epsilonOf({ events, delta: 1e-6 })).toMatchObject({ refused: 'event-unknown' });
  const silent = [event(0.1, 0, 1)];
  expect(epsilonOf({ events: silent, delta: 1e-6 })).toMatchObject({
    refused: 'event-out-of-range',
  });
});

const anyEvent = fc
  .record({
    rate: fc.constantFrom(0.01, 0.1, 0.5, 1),
    noiseMultiplier: fc.constantFrom(0.8, 1.5, 4, 20),
    rounds: fc.integer({ min: 1, max: 300 }),
  })
  .map(({ rate, noiseMultiplier, rounds }) => event(rate, noiseMultiplier, rounds));
const anyDelta = fc.constantFrom(1e-9, 1e-6, 1e-5);

test('order and grouping of events change not one bit', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 6 }), (events) => {
      const split = events.flatMap((one) => {
        const half = Math.floor(one.rounds / 2);
        return [
          { ...one, rounds: half },
          { ...one, rounds: one.rounds - half },
        ];
      });
      for (const order of [1.5, 8]) {
        expect(composedRdp(split.reverse(), order)).toBe(composedRdp(events, order));
      }
    }),
  );
});

test('epsilon grows with rounds and 1/delta, falls with noise', () => {
  fc.assert(
    fc.property(anyEvent, anyDelta, (one, delta) => {
      const base = epsilon([one], delta, shortOrders);
      const longer = { ...one, rounds: one.rounds + 1 };
      const louder = { ...one, noiseMultiplier: one.noiseMultiplier * 1.1 };
      expect(epsilon([longer], delta, shortOrders)).toBeGreaterThanOrEqual(base);
      expect(epsilon([one], delta / 2, shortOrders)).toBeGreaterThanOrEqual(base);
      expect(epsilon([louder], delta, shortOrders)).toBeLessThanOrEqual(base);
    }),
  );
});

test('a whole costs at most its halves at split delta', () => {
  fc.assert(
    fc.property(anyEvent, anyEvent, anyDelta, (a, b, delta) => {
      const halves = epsilon([a], delta / 2) + epsilon([b], delta / 2);
      expect(epsilon([a, b], delta)).toBeLessThanOrEqual(halves + 1e-9);
    }),
    { numRuns: 40 },
  );
});

test('the filter of one order: its budget is where its epsilon is spent', () => {
  for (const order of [6, 8, 16, 64]) {
    const budget = filterBudget(order, 4, 1e-6);
    expect(epsilonAt(order, budget, 1e-6)).toBeCloseTo(4, 12);
    expect(epsilonAt(order, budget * 1.001, 1e-6)).toBeGreaterThan(4);
  }
});

test('the filter counts a little more than the RDP, for discrete noise', () => {
  const events = [event(0.1, 2, 1000)];
  const extra = filterLoss(events, 8) - composedRdp(events, 8);
  expect(extra).toBeGreaterThan(0);
  expect(extra).toBeLessThan(1e-7);
});
