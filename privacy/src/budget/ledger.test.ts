import { expect, test } from 'vitest';
import { epsilonOf } from '../accounting/accountant.ts';
import { roundsFor } from '../accounting/calibrate.ts';
import { isRefusal } from '../refusal.ts';
import type { LedgerEntry } from './entry.ts';
import { append, apply } from './ledger.ts';
import { position, spentEvents } from './position.ts';
import { emptyLedger, type LedgerState } from './state.ts';
import { after, charging, granted, opening, reserving, round } from './testing/entries.ts';

const account = opening.account;
const certificate = 'cd'.repeat(32);
const target = { epsilon: opening.epsilon, delta: opening.delta, order: opening.filterOrder };
const { rate, noiseMultiplier } = round;
const roundsMax = granted(roundsFor({ ...target, rate, noiseMultiplier })).value;

function spentRho(state: LedgerState): number {
  return granted(position(state, account)).spent.rho;
}

function chargeId(slot: number): string {
  return `R-1/1/${slot}`;
}

test('reserve, charge, lower, release, close: what each does to the position', () => {
  const reserved = after([opening, reserving('R-1', 10)]);
  const before = granted(position(reserved, account));
  expect(before.spent).toEqual({ epsilon: 0, delta: 1e-6, order: 8, rho: 0 });
  expect(before.reserved.rho).toBeGreaterThan(0);

  const charged = after([charging('R-1', 1), charging('R-1', 2)], reserved);
  const spent = granted(position(charged, account));
  expect(spent.spent.rho / before.reserved.rho).toBeCloseTo(2 / 10, 12);
  expect(spent.spent.rho + spent.reserved.rho).toBe(before.reserved.rho);

  const event = { ...round, noiseMultiplier: 1.8 };
  const lowering = { kind: 'lower', chargeId: chargeId(1), certificate, honest: 9, event } as const;
  const lowered = after([{ ...lowering, atMs: 3100 }], charged);
  expect(spentRho(lowered)).toBeLessThan(spentRho(charged));
  expect(spentEvents(lowered, account)).toEqual([round, event]);

  const releasing = { kind: 'release', atMs: 3200, chargeId: chargeId(2), certificate } as const;
  const released = after([releasing], lowered);
  expect(spentEvents(released, account)).toEqual([event]);
  const returned = granted(position(released, account)).reserved.rho;
  expect(returned / before.reserved.rho).toBeCloseTo(9 / 10, 12);

  const closing = { kind: 'close', atMs: 3300, reservationId: 'R-1/training' } as const;
  const closed = after([closing], released);
  expect(granted(position(closed, account)).reserved).toMatchObject({ epsilon: 0, rho: 0 });
  expect(apply(closed, charging('R-1', 3))).toMatchObject({
    refused: 'charge-unreserved',
    facts: { closed: true },
  });
});

test('the three epsilons add up to the ceiling, in millionths', () => {
  for (const charges of [0, 1, 7, 30]) {
    const slots = Array.from({ length: charges }, (_, i) => charging('R-1', i));
    const { spent, reserved, left } = granted(
      position(after([opening, reserving('R-1', 30), ...slots]), account),
    );
    expect(Math.round((spent.epsilon + reserved.epsilon + left.epsilon) * 1e6)).toBe(4e6);
    expect(left.rho).toBeGreaterThan(0);
  }
});

test('the filter admits exactly what calibration says, and refuses one round more', () => {
  const opened = after([opening]);
  const full = after([reserving('R-1', roundsMax)], opened);
  const one = spentRho(after([charging('R-1', 1)], full));
  expect(granted(position(full, account)).left.rho).toBeLessThan(one);
  expect(apply(opened, reserving('R-1', roundsMax + 1))).toMatchObject({
    refused: 'budget-insufficient',
    facts: { bu: 'sales-de', runId: 'R-1', epsilonBefore: 0, ceiling: 4, delta: 1e-6, roundsMax },
  });
  const refusal = apply(full, reserving('R-2', 1));
  expect(refusal).toMatchObject({ refused: 'budget-insufficient', facts: { roundsMax: 0 } });
  if (isRefusal(refusal)) expect(refusal.facts.epsilonAfter).toBeGreaterThan(4);
});

test('what another order would admit is refused: the order is fixed when the account opens', () => {
  // PRIVACY.md section 5: going on while some order of a list fits lets a path choose its order.
  const fixed = { ...opening, epsilon: 20, filterOrder: 6 };
  const events = [{ ...round, rate: 1, noiseMultiplier: 0.378 }];
  expect(granted(epsilonOf({ events, delta: 1e-6 })).epsilon).toBeLessThan(20);
  const reserve = { ...reserving('R-1', 1), events } as LedgerEntry;
  expect(apply(after([fixed]), reserve)).toMatchObject({ refused: 'budget-insufficient' });
  expect(isRefusal(apply(after([{ ...fixed, filterOrder: 2 }]), reserve))).toBe(false);
});

test('T2: the same slot with another upload is refused, the same upload is charged once', () => {
  const state = after([opening, reserving('R-1', 10), charging('R-1', 1)]);
  const again = granted(append(state, { ...charging('R-1', 1), atMs: 9000 }));
  expect(again.line).toBeUndefined();
  expect(again.state).toBe(state);
  const other = { ...charging('R-1', 1), hdr: 'ff'.repeat(32) };
  expect(apply(state, other)).toMatchObject({ refused: 'charge-conflict' });
});

test('T2: only an abort certificate returns a charge; a survivor one excludes it', () => {
  const state = after([opening, reserving('R-1', 10), charging('R-1', 1)]);
  const closed = after([{ kind: 'close', atMs: 4000, reservationId: 'R-1/training' }], state);
  expect(spentRho(closed)).toBe(spentRho(state));
  const lowering = {
    kind: 'lower',
    atMs: 4000,
    chargeId: chargeId(1),
    certificate,
    honest: 9,
    event: round,
  } as const;
  const releasing = { kind: 'release', atMs: 4000, chargeId: chargeId(1), certificate } as const;
  const lowered = after([lowering], state);
  expect(apply(lowered, lowering)).toBe(lowered);
  expect(apply(lowered, releasing)).toMatchObject({ refused: 'certificate-conflict' });
  const released = after([releasing], state);
  expect(apply(released, releasing)).toBe(released);
  expect(apply(released, lowering)).toMatchObject({ refused: 'certificate-conflict' });
});

test.each([{ noiseMultiplier: 1.49 }, { rate: 0.2 }, { rate: 0.05 }, { rounds: 0 }])(
  'a certificate never raises a charge or changes its release: %j',
  (change) => {
    const state = after([opening, reserving('R-1', 10), charging('R-1', 1)]);
    const event = { ...round, ...change };
    const entry = {
      kind: 'lower',
      atMs: 1,
      chargeId: chargeId(1),
      certificate,
      honest: 5,
      event,
    } as const;
    expect(apply(state, entry)).toMatchObject({ refused: 'lower-raises', facts: { min: 1.5 } });
  },
);

test('a charge needs its reservation: the run, the event and a round that is left', () => {
  const state = after([opening, reserving('R-1', 1), reserving('R-2', 1)]);
  const charge = charging('R-1', 1);
  const refused = (entry: LedgerEntry) => apply(state, entry);
  expect(refused({ ...charge, reservationId: 'R-9/training' })).toMatchObject({
    refused: 'charge-unreserved',
  });
  expect(refused({ ...charge, reservationId: 'R-2/training' })).toMatchObject({
    refused: 'charge-other-run',
  });
  for (const change of [{ noiseMultiplier: 1.4 }, { rate: 0.11 }, { rounds: 2 }, { rounds: 0 }]) {
    expect(refused({ ...charge, event: { ...round, ...change } })).toMatchObject({
      refused: 'charge-unreserved',
    });
  }
  expect(apply(after([charge], state), charging('R-1', 2))).toMatchObject({
    refused: 'charge-unreserved',
  });
});

test('a freeze stops reservations and charges, and nothing that lowers them', () => {
  const state = after([opening, reserving('R-1', 10), charging('R-1', 1)]);
  const freeze = { kind: 'freeze', atMs: 3500, by: 'k.meyer', reason: 'audit' } as const;
  const frozen = after([freeze], state);
  const facts = { by: 'k.meyer', reason: 'audit' };
  expect(apply(frozen, charging('R-1', 2))).toMatchObject({ refused: 'frozen', facts });
  expect(apply(frozen, reserving('R-2', 1))).toMatchObject({ refused: 'frozen', facts });
  const release = { kind: 'release', atMs: 3600, chargeId: chargeId(1), certificate } as const;
  expect(spentRho(after([release], frozen))).toBe(0);
  expect(apply(frozen, freeze)).toBe(frozen);
  const open = after([{ ...freeze, kind: 'unfreeze' }, charging('R-1', 2)], frozen);
  expect(spentRho(open)).toBeGreaterThan(spentRho(state));
});

test('D-1: an account is opened once, its ceiling stays, and a second one cannot be added', () => {
  const state = after([opening, reserving('R-1', 10), charging('R-1', 1)]);
  expect(apply(state, { ...opening, atMs: 5000 })).toBe(state);
  expect(apply(state, { ...opening, epsilon: 8 })).toMatchObject({ refused: 'account-exists' });
  const second = { ...opening, account: 'training/again', atMs: 5000 };
  expect(apply(state, second)).toMatchObject({
    refused: 'account-exists',
    facts: { account, population: 'training' },
  });
  const next = { ...second, atMs: opening.periodEndMs, periodEndMs: 2_000_000 };
  expect(isRefusal(apply(state, next))).toBe(false);
  const heldOut = { ...second, account: 'evaluation/2026', population: 'evaluation' as const };
  expect(isRefusal(apply(state, heldOut))).toBe(false);
});

test('T10: after its period an account spends nothing, and the clock does not go back', () => {
  const state = after([opening, reserving('R-1', 10)]);
  const late = { ...charging('R-1', 1), atMs: opening.periodEndMs };
  expect(apply(state, late)).toMatchObject({ refused: 'period-ended' });
  expect(apply(state, { ...charging('R-1', 1), atMs: 1999 })).toMatchObject({
    refused: 'clock-backward',
    facts: { min: 2000 },
  });
  expect(apply(state, { ...charging('R-1', 1), atMs: Number.NaN })).toMatchObject({
    refused: 'period-ended',
  });
});

test('nothing is set aside without an account, an event, or with an impossible event', () => {
  expect(apply(emptyLedger, reserving('R-1', 1))).toMatchObject({ refused: 'budget-unset' });
  expect(position(emptyLedger, account)).toMatchObject({ refused: 'budget-unset' });
  const opened = after([opening]);
  const reserve = reserving('R-1', 1);
  const withEvents = (events: unknown) => apply(opened, { ...reserve, events } as LedgerEntry);
  expect(withEvents([])).toMatchObject({ refused: 'reservation-empty' });
  expect(withEvents([{ ...round, kind: 'laplace' }])).toMatchObject({ refused: 'event-unknown' });
  expect(withEvents([{ ...round, noiseMultiplier: Number.NaN }])).toMatchObject({
    refused: 'event-out-of-range',
  });
  const state = after([reserve], opened);
  expect(apply(state, reserve)).toBe(state);
  expect(apply(state, { ...reserving('R-1', 2) })).toMatchObject({ refused: 'reservation-exists' });
  const unknown = { kind: 'refund', atMs: 1 } as unknown as LedgerEntry;
  expect(apply(state, unknown)).toMatchObject({ refused: 'ledger-entry-unknown' });
});

test.each([
  { epsilon: 0 },
  { epsilon: Number.NaN },
  { epsilon: Number.POSITIVE_INFINITY },
  { delta: 0 },
  { delta: 1 },
  { filterOrder: 1 },
  { periodEndMs: 1000 },
])('a ceiling of %j is refused with its bounds', (change) => {
  const [field, value] = Object.entries(change)[0]!;
  expect(apply(emptyLedger, { ...opening, ...change })).toMatchObject({
    refused: 'budget-out-of-range',
    facts: { field, value: String(value) },
  });
});

test('an order too low for the ceiling is refused: nothing could ever be spent', () => {
  const low = { ...opening, epsilon: 1, filterOrder: 3 };
  expect(apply(emptyLedger, low)).toMatchObject({ refused: 'budget-order-too-low' });
});
