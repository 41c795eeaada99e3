import { filterLoss } from '../accounting/accountant.ts';
import { epsilonAt, filterBudget } from '../accounting/convert.ts';
import { groupEvents, type PrivacyEvent } from '../accounting/event.ts';
import { type Refusal, refuse } from '../refusal.ts';
import type { OpenEntry, ReserveEntry } from './entry.ts';
import type { LedgerState, Reservation } from './state.ts';

/**
 * A part of a ceiling. `rho` is RDP at `order` and adds up; `epsilon` is its rendering, rounded to
 * 1e-6 against the spender. Both per learner, data used or left out.
 */
export interface Amount {
  readonly epsilon: number;
  readonly delta: number;
  readonly order: number;
  readonly rho: number;
}

/**
 * Where an account stands. The three epsilons add up to the ceiling: `spent.epsilon` is what the
 * charges come to, `reserved.epsilon` by how much it grows if every reservation is used up.
 */
export interface Position {
  readonly spent: Amount;
  readonly reserved: Amount;
  readonly left: Amount;
}

/** Position of an account, recomputed from its events; `budget-unset` when there is none. */
export function position(state: LedgerState, account: string): Position | Refusal {
  const open = state.accounts.get(account);
  if (open === undefined) return refuse('budget-unset', { account });
  const { delta, filterOrder: order } = open;
  const spentRho = filterLoss(spentEvents(state, account), order);
  const usedRho = filterLoss(usedEvents(state, account), order);
  const ceiling = Math.floor(toMicro(open.epsilon));
  const spent = Math.min(ceiling, micro(spentRho, open));
  const used = Math.min(ceiling, micro(usedRho, open));
  const amount = (microEpsilon: number, rho: number): Amount => {
    return { epsilon: microEpsilon / 1e6, delta, order, rho };
  };
  const leftRho = filterBudget(order, open.epsilon, delta) - usedRho;
  return {
    spent: amount(spent, spentRho),
    reserved: amount(used - spent, usedRho - spentRho),
    left: amount(ceiling - used, Math.max(0, leftRho)),
  };
}

/** What the account's charges count for: floor or lowered events, nothing for released ones. */
export function spentEvents(state: LedgerState, account: string): PrivacyEvent[] {
  return groupEvents(reservationsOf(state, account).flatMap(chargedEvents));
}

/** What its open reservations may still charge. */
export function reservedEvents(state: LedgerState, account: string): PrivacyEvent[] {
  return groupEvents(reservationsOf(state, account).flatMap(unusedEvents));
}

/** Rounds of a reserved event that no standing charge has used; 0 when it was not reserved. */
export function unusedRounds(reservation: Reservation, event: PrivacyEvent): number {
  if (reservation.closed) return 0;
  const match = groupEvents(reservation.entry.events).find((other) => sameRelease(other, event));
  let rounds = match?.rounds ?? 0;
  for (const charge of reservation.charges.values()) {
    if (charge.status !== 'released' && sameRelease(charge.entry.event, event)) rounds -= 1;
  }
  return rounds;
}

/**
 * The fixed-order RDP filter (PRIVACY.md section 5; Feldman-Zrnic 2008.11193): spent + reserved +
 * new <= B(alpha), in events. `budget-insufficient` says what it would take and, for a plan of one
 * event, how many rounds would fit.
 */
export function admission(state: LedgerState, entry: ReserveEntry): Refusal | undefined {
  const open = state.accounts.get(entry.account);
  if (open === undefined) return refuse('budget-unset', { account: entry.account });
  const { epsilon, delta, filterOrder: order } = open;
  const used = usedEvents(state, entry.account);
  const after = filterLoss([...used, ...entry.events], order);
  const budget = filterBudget(order, epsilon, delta);
  if (after <= budget) return undefined;
  const facts = {
    account: entry.account,
    bu: open.bu,
    runId: entry.runId,
    epsilonBefore: micro(filterLoss(used, order), open) / 1e6,
    epsilonAfter: micro(after, open) / 1e6,
    ceiling: epsilon,
    delta,
    order,
  };
  if (entry.events.length !== 1) return refuse('budget-insufficient', facts);
  const round = filterLoss([{ ...entry.events[0]!, rounds: 1 }], order);
  const roundsMax = Math.floor(Math.max(0, budget - filterLoss(used, order)) / round);
  return refuse('budget-insufficient', { ...facts, roundsMax });
}

function usedEvents(state: LedgerState, account: string): PrivacyEvent[] {
  return [...spentEvents(state, account), ...reservedEvents(state, account)];
}

function reservationsOf(state: LedgerState, account: string): Reservation[] {
  return [...state.reservations.values()].filter((held) => held.entry.account === account);
}

function chargedEvents(reservation: Reservation): PrivacyEvent[] {
  return [...reservation.charges.values()]
    .filter((charge) => charge.status !== 'released')
    .map((charge) => charge.event);
}

function unusedEvents(reservation: Reservation): PrivacyEvent[] {
  return groupEvents(reservation.entry.events).map((event) => {
    return { ...event, rounds: unusedRounds(reservation, event) };
  });
}

function sameRelease(a: PrivacyEvent, b: PrivacyEvent): boolean {
  return a.kind === b.kind && a.rate === b.rate && a.noiseMultiplier === b.noiseMultiplier;
}

/** Displayed epsilon in millionths, rounded up: a display never flatters. */
function micro(rho: number, open: OpenEntry): number {
  return Math.ceil(toMicro(epsilonAt(open.filterOrder, rho, open.delta)));
}

// 4.31 * 1e6 is 4309999.999..: a double's own rounding must not become a millionth.
function toMicro(epsilon: number): number {
  const scaled = epsilon * 1e6;
  const nearest = Math.round(scaled);
  return Math.abs(scaled - nearest) < 1e-6 ? nearest : scaled;
}
