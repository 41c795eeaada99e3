import type { PrivacyEvent } from '../../accounting/event.ts';
import { isRefusal, type Refusal } from '../../refusal.ts';
import { type ChargeEntry, chargeIdOf, type LedgerEntry, type OpenEntry } from '../entry.ts';
import { apply } from '../ledger.ts';
import { emptyLedger, type LedgerState } from '../state.ts';

/** The value, or an error that shows the refusal. */
export function granted<T>(value: T | Refusal): T {
  if (isRefusal(value)) throw new Error(JSON.stringify(value));
  return value;
}

/** State after entries that must all be accepted. */
export function after(entries: readonly LedgerEntry[], from: LedgerState = emptyLedger) {
  return entries.reduce((state, entry) => granted(apply(state, entry)), from);
}

/** A training account with a ceiling of 4. */
export const opening: OpenEntry = {
  kind: 'open',
  atMs: 1000,
  account: 'training/2026',
  population: 'training',
  bu: 'sales-de',
  unit: 'learner',
  adversary: 'coordinator and up to 4 agents of other units, all released rounds',
  epsilon: 4,
  delta: 1e-6,
  filterOrder: 8,
  periodEndMs: 1_000_000,
};

/** One sampled round of training, about a hundredth of the ceiling of `opening`. */
export const round: PrivacyEvent = {
  kind: 'subsampled-gaussian',
  rate: 0.1,
  noiseMultiplier: 1.5,
  rounds: 1,
};

/** A reservation of `rounds` rounds in the account of `opening`. */
export function reserving(runId: string, rounds: number): LedgerEntry {
  const events = [{ ...round, rounds }];
  const planHash = 'ab'.repeat(32);
  const reservationId = `${runId}/training`;
  return {
    kind: 'reserve',
    atMs: 2000,
    reservationId,
    runId,
    planHash,
    account: opening.account,
    events,
  };
}

/** The charge of one slot of a run. */
export function charging(runId: string, slot: number): ChargeEntry {
  return {
    kind: 'charge',
    atMs: 3000,
    chargeId: chargeIdOf({ runId, epoch: 1, slot }),
    reservationId: `${runId}/training`,
    event: round,
    hdr: slot.toString(16).padStart(64, '0'),
  };
}
