import { expect, test } from 'vitest';
import { checkEvent, groupEvents } from './event.ts';

const good = { kind: 'subsampled-gaussian', rate: 0.1, noiseMultiplier: 2, rounds: 10 } as const;

test.each([
  ['rate', 0],
  ['rate', 1],
  ['noiseMultiplier', 0.05],
  ['noiseMultiplier', 1e6],
  ['rounds', 0],
  ['rounds', 1e7],
])('%s %s is within its bounds', (field, value) => {
  expect(checkEvent({ ...good, [field]: value })).toBeUndefined();
});

test.each([
  ['rate', -1e-9],
  ['rate', 1 + 1e-9],
  ['rate', Number.NaN],
  ['rate', '0.1'],
  ['noiseMultiplier', 0.049],
  ['noiseMultiplier', 0],
  ['noiseMultiplier', -1],
  ['noiseMultiplier', Number.POSITIVE_INFINITY],
  ['noiseMultiplier', undefined],
  ['rounds', 1.5],
  ['rounds', -1],
  ['rounds', 1e7 + 1],
])('%s %s is refused with its value and its bounds', (field, value) => {
  const refusal = checkEvent({ ...good, [field]: value });
  expect(refusal).toMatchObject({
    refused: 'event-out-of-range',
    facts: { field, value: String(value) },
  });
  expect(refusal?.facts).toHaveProperty('min');
  expect(refusal?.facts).toHaveProperty('max');
});

test.each([null, undefined, 7, 'subsampled-gaussian', {}, { ...good, kind: 'laplace' }])(
  '%j is not an event',
  (value) => {
    expect(checkEvent(value)).toMatchObject({ refused: 'event-unknown' });
  },
);

test('groupEvents merges equal releases and forgets order and empty ones', () => {
  const other = { ...good, rate: 0.05, rounds: 3 };
  const none = { ...good, noiseMultiplier: 9, rounds: 0 };
  const split = [{ ...good, rounds: 4 }, other, { ...good, rounds: 6 }, none];
  expect(groupEvents(split)).toEqual([other, good]);
  expect(groupEvents([...split].reverse())).toEqual([other, good]);
});
