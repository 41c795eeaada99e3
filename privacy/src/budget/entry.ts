import type { PrivacyEvent } from '../accounting/event.ts';
import { fromHex, hex, utf8 } from '../crypto/bytes.ts';
import { H } from '../crypto/hash.ts';
import type { Population } from './policy.ts';

/** Opens an account: its ceiling and its filter order are fixed from here on. */
export interface OpenEntry {
  readonly kind: 'open';
  readonly atMs: number;
  readonly account: string;
  readonly population: Population;
  readonly bu: string;
  readonly unit: 'learner';
  /** Whom the ceiling holds against, in words. */
  readonly adversary: string;
  readonly epsilon: number;
  readonly delta: number;
  readonly filterOrder: number;
  readonly periodEndMs: number;
}

/** Sets aside what a run may spend: its events at the floor noise. */
export interface ReserveEntry {
  readonly kind: 'reserve';
  readonly atMs: number;
  readonly reservationId: string;
  readonly runId: string;
  readonly planHash: string;
  readonly account: string;
  readonly events: readonly PrivacyEvent[];
}

/** Spends one reserved round at the floor, before the first byte of the upload leaves. */
export interface ChargeEntry {
  readonly kind: 'charge';
  readonly atMs: number;
  readonly chargeId: string;
  readonly reservationId: string;
  /** One of the reserved events, with `rounds` 1. */
  readonly event: PrivacyEvent;
  /** Hash of the upload header, hex: the same charge never covers two uploads. */
  readonly hdr: string;
}

/** Re-evaluates a charge at the honest shares of a verified survivor certificate. */
export interface LowerEntry {
  readonly kind: 'lower';
  readonly atMs: number;
  readonly chargeId: string;
  readonly certificate: string;
  readonly honest: number;
  readonly event: PrivacyEvent;
}

/** Cancels a charge by a verified abort certificate; the round goes back to its reservation. */
export interface ReleaseEntry {
  readonly kind: 'release';
  readonly atMs: number;
  readonly chargeId: string;
  readonly certificate: string;
}

/** Ends a reservation; what it did not use is free again. */
export interface CloseEntry {
  readonly kind: 'close';
  readonly atMs: number;
  readonly reservationId: string;
}

/** Stops reservations and charges of every account until the next unfreeze. */
export interface FreezeEntry {
  readonly kind: 'freeze' | 'unfreeze';
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
}

/** One fact of the ledger. Plain JSON values only; times in ms since 1970 UTC; hashes in hex. */
export type LedgerEntry =
  | OpenEntry
  | ReserveEntry
  | ChargeEntry
  | LowerEntry
  | ReleaseEntry
  | CloseEntry
  | FreezeEntry;

/** An entry in its place: `hash = H("ledger", previous hash, canonical bytes of the entry)`. */
export interface LedgerLine {
  /** 1 for the first line. */
  readonly seq: number;
  readonly entry: LedgerEntry;
  readonly hash: string;
}

/** What the first line is chained to. */
export const GENESIS = '00'.repeat(32);

/** The one charge a run can make in a slot. Slot numbers start again in every key epoch. */
export function chargeIdOf(slot: { runId: string; epoch: number; slot: number }): string {
  return `${slot.runId}/${slot.epoch}/${slot.slot}`;
}

/** Hash of an entry behind the line whose hash is `head`, hex. */
export function chainHash(head: string, entry: LedgerEntry): string {
  return hex(H('ledger', fromHex(head), utf8(canonical(entry))));
}

/**
 * JSON with sorted keys and no spaces, numbers in ECMAScript's shortest form (as RFC 8785): equal
 * values give equal bytes, whatever the order in which their fields were written or stored.
 */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`);
    return `{${fields.join(',')}}`;
  }
  if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) {
    return JSON.stringify(value);
  }
  throw new TypeError(`${String(value)} has no canonical form`);
}
