import type { PrivacyEvent } from '../accounting/event.ts';
import { type ChargeEntry, GENESIS, type OpenEntry, type ReserveEntry } from './entry.ts';

/** What the entries so far add up to. Immutable: an entry makes a new one. */
export interface LedgerState {
  /** Lines so far. */
  readonly seq: number;
  /** Hash of the last line. */
  readonly head: string;
  /** Latest time of an entry that opened or spent. */
  readonly atMs: number;
  readonly frozen: { readonly by: string; readonly reason: string } | undefined;
  readonly accounts: ReadonlyMap<string, OpenEntry>;
  readonly reservations: ReadonlyMap<string, Reservation>;
}

/** What a run set aside, with the charges it made so far by their id. */
export interface Reservation {
  readonly entry: ReserveEntry;
  readonly closed: boolean;
  readonly charges: ReadonlyMap<string, Charge>;
}

/** One contribution that left or was about to. */
export interface Charge {
  readonly entry: ChargeEntry;
  readonly status: 'floor' | 'lowered' | 'released';
  /** What counts now: the floor event, or the lowered one. */
  readonly event: PrivacyEvent;
  /** Digest of the certificate that lowered or released it. */
  readonly certificate?: string;
}

/** The ledger without a line. */
export const emptyLedger: LedgerState = Object.freeze({
  seq: 0,
  head: GENESIS,
  atMs: 0,
  frozen: undefined,
  accounts: new Map(),
  reservations: new Map(),
});
