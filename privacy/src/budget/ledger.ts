import { filterBudget } from '../accounting/convert.ts';
import { checkEvent } from '../accounting/event.ts';
import { isRefusal, type Refusal, refuse } from '../refusal.ts';
import {
  type ChargeEntry,
  type CloseEntry,
  canonical,
  chainHash,
  type LedgerEntry,
  type LedgerLine,
  type LowerEntry,
  type OpenEntry,
  type ReleaseEntry,
  type ReserveEntry,
} from './entry.ts';
import { admission, unusedRounds } from './position.ts';
import type { Charge, LedgerState, Reservation } from './state.ts';

/**
 * The ledger after one more entry, or why the entry is refused; then nothing changed. An entry
 * that says again what the ledger holds already returns the very same state: no new line.
 */
export function apply(state: LedgerState, entry: LedgerEntry): LedgerState | Refusal {
  const next = change(state, entry);
  if (isRefusal(next) || next === state) return next;
  return { ...next, seq: state.seq + 1, head: chainHash(state.head, entry) };
}

/** `apply`, with the line to store; no line when the entry repeats a known one. */
export function append(
  state: LedgerState,
  entry: LedgerEntry,
): { state: LedgerState; line: LedgerLine | undefined } | Refusal {
  const next = apply(state, entry);
  if (isRefusal(next)) return next;
  const line = next === state ? undefined : { seq: next.seq, entry, hash: next.head };
  return { state: next, line };
}

function change(state: LedgerState, entry: LedgerEntry): LedgerState | Refusal {
  switch (entry.kind) {
    case 'open':
      return open(state, entry);
    case 'reserve':
      return reserve(state, entry);
    case 'charge':
      return charge(state, entry);
    case 'lower':
      return lower(state, entry);
    case 'release':
      return release(state, entry);
    case 'close':
      return close(state, entry);
    case 'freeze':
      if (state.frozen !== undefined) return state;
      return { ...state, frozen: { by: entry.by, reason: entry.reason } };
    case 'unfreeze':
      return state.frozen === undefined ? state : { ...state, frozen: undefined };
    default:
      entry satisfies never;
      return refuse('ledger-entry-unknown', { kind: String((entry as LedgerEntry).kind) });
  }
}

function open(state: LedgerState, entry: OpenEntry): LedgerState | Refusal {
  const held = state.accounts.get(entry.account);
  if (held !== undefined) {
    const same = canonical({ ...held, atMs: 0 }) === canonical({ ...entry, atMs: 0 });
    return same ? state : refuse('account-exists', { account: entry.account });
  }
  const wrong = checkCeiling(entry) ?? clockBackward(state, entry.atMs);
  if (wrong !== undefined) return wrong;
  // Two ceilings at a time for the same learners would add up.
  for (const other of state.accounts.values()) {
    if (other.population === entry.population && other.periodEndMs > entry.atMs) {
      const { account, periodEndMs } = other;
      return refuse('account-exists', { account, population: entry.population, periodEndMs });
    }
  }
  const accounts = new Map(state.accounts).set(entry.account, entry);
  return { ...state, atMs: entry.atMs, accounts };
}

function checkCeiling(entry: OpenEntry): Refusal | undefined {
  const { epsilon, delta, filterOrder, atMs, periodEndMs } = entry;
  const bounds: [string, number, number, number][] = [
    ['epsilon', epsilon, 1e-6, 1e3],
    ['delta', delta, 1e-15, 0.1],
    ['filterOrder', filterOrder, 1.05, 1024],
    ['periodEndMs', periodEndMs, atMs + 1, Number.MAX_SAFE_INTEGER],
  ];
  for (const [field, value, min, max] of bounds) {
    if (!(value >= min && value <= max)) {
      return refuse('budget-out-of-range', { field, value: String(value), min, max });
    }
  }
  const budget = filterBudget(filterOrder, epsilon, delta);
  if (budget > 0) return undefined;
  // B(alpha) grows with alpha up to far beyond any useful order: too low an order holds nothing.
  return refuse('budget-order-too-low', { filterOrder, epsilon, delta, budget });
}

function reserve(state: LedgerState, entry: ReserveEntry): LedgerState | Refusal {
  const held = state.reservations.get(entry.reservationId);
  if (held !== undefined) {
    const same = canonical({ ...held.entry, atMs: 0 }) === canonical({ ...entry, atMs: 0 });
    return same ? state : refuse('reservation-exists', { reservationId: entry.reservationId });
  }
  const wrong =
    spendable(state, entry.account, entry.atMs) ??
    (entry.events.length === 0 ? refuse('reservation-empty', {}) : undefined) ??
    entry.events.map(checkEvent).find((refusal) => refusal !== undefined) ??
    admission(state, entry);
  if (wrong !== undefined) return wrong;
  return withReservation(state, { entry, closed: false, charges: new Map() }, entry.atMs);
}

function charge(state: LedgerState, entry: ChargeEntry): LedgerState | Refusal {
  const { chargeId, reservationId, event } = entry;
  const made = findCharge(state, chargeId);
  if (made !== undefined) {
    const same = canonical({ ...made.charge.entry, atMs: 0 }) === canonical({ ...entry, atMs: 0 });
    return same ? state : refuse('charge-conflict', { chargeId });
  }
  const reservation = state.reservations.get(reservationId);
  if (reservation === undefined) {
    return refuse('charge-unreserved', { chargeId, reservationId });
  }
  const { account, runId } = reservation.entry;
  if (!chargeId.startsWith(`${runId}/`)) return refuse('charge-other-run', { chargeId, runId });
  const wrong = checkEvent(event) ?? spendable(state, account, entry.atMs);
  if (wrong !== undefined) return wrong;
  if (event.rounds !== 1 || unusedRounds(reservation, event) < 1) {
    const { rate, noiseMultiplier, rounds } = event;
    const closed = reservation.closed;
    const facts = { chargeId, reservationId, rate, noiseMultiplier, rounds, closed };
    return refuse('charge-unreserved', facts);
  }
  const later = { ...state, atMs: entry.atMs };
  return withCharge(later, reservation, { entry, status: 'floor', event });
}

function lower(state: LedgerState, entry: LowerEntry): LedgerState | Refusal {
  const { chargeId, certificate, event } = entry;
  const made = findCharge(state, chargeId);
  if (made === undefined) return refuse('charge-unknown', { chargeId });
  if (made.charge.certificate !== undefined) {
    const same = made.charge.status === 'lowered' && made.charge.certificate === certificate;
    return same ? state : refuse('certificate-conflict', { chargeId, certificate });
  }
  const wrong = checkEvent(event);
  if (wrong !== undefined) return wrong;
  const floor = made.charge.event;
  const raises =
    event.rate !== floor.rate ||
    event.rounds !== 1 ||
    event.noiseMultiplier < floor.noiseMultiplier;
  if (raises) {
    return refuse('lower-raises', {
      chargeId,
      noiseMultiplier: event.noiseMultiplier,
      min: floor.noiseMultiplier,
      rate: event.rate,
      rounds: event.rounds,
    });
  }
  return withCharge(state, made.reservation, {
    ...made.charge,
    status: 'lowered',
    event,
    certificate,
  });
}

function release(state: LedgerState, entry: ReleaseEntry): LedgerState | Refusal {
  const { chargeId, certificate } = entry;
  const made = findCharge(state, chargeId);
  if (made === undefined) return refuse('charge-unknown', { chargeId });
  if (made.charge.certificate !== undefined) {
    const same = made.charge.status === 'released' && made.charge.certificate === certificate;
    return same ? state : refuse('certificate-conflict', { chargeId, certificate });
  }
  return withCharge(state, made.reservation, { ...made.charge, status: 'released', certificate });
}

function close(state: LedgerState, entry: CloseEntry): LedgerState | Refusal {
  const { reservationId } = entry;
  const reservation = state.reservations.get(reservationId);
  if (reservation === undefined) return refuse('reservation-unknown', { reservationId });
  return reservation.closed ? state : withReservation(state, { ...reservation, closed: true });
}

/** Whether the account may set aside or spend at all. */
function spendable(state: LedgerState, account: string, atMs: number): Refusal | undefined {
  const held = state.accounts.get(account);
  if (held === undefined) return refuse('budget-unset', { account });
  if (state.frozen !== undefined) return refuse('frozen', { ...state.frozen });
  if (!(atMs < held.periodEndMs)) {
    return refuse('period-ended', { account, atMs, periodEndMs: held.periodEndMs });
  }
  return clockBackward(state, atMs);
}

/** A clock turned back could reopen a period (PRODUCT.md, trap T10). */
function clockBackward(state: LedgerState, atMs: number): Refusal | undefined {
  if (Number.isSafeInteger(atMs) && atMs >= state.atMs) return undefined;
  return refuse('clock-backward', { atMs: String(atMs), min: state.atMs });
}

function findCharge(
  state: LedgerState,
  chargeId: string,
): { reservation: Reservation; charge: Charge } | undefined {
  for (const reservation of state.reservations.values()) {
    const charge = reservation.charges.get(chargeId);
    if (charge !== undefined) return { reservation, charge };
  }
  return undefined;
}

function withCharge(state: LedgerState, reservation: Reservation, charge: Charge): LedgerState {
  const charges = new Map(reservation.charges).set(charge.entry.chargeId, charge);
  return withReservation(state, { ...reservation, charges });
}

function withReservation(
  state: LedgerState,
  reservation: Reservation,
  atMs: number = state.atMs,
): LedgerState {
  const id = reservation.entry.reservationId;
  return { ...state, atMs, reservations: new Map(state.reservations).set(id, reservation) };
}
