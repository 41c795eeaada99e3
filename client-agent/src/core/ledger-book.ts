import type { PrivacyEvent } from '@tacit/privacy/accounting/event.ts';
import { chargeIdOf, type LedgerEntry, type LedgerLine } from '@tacit/privacy/budget/entry.ts';
import { append } from '@tacit/privacy/budget/ledger.ts';
import type { BuPolicy, Population } from '@tacit/privacy/budget/policy.ts';
import { type Position, position } from '@tacit/privacy/budget/position.ts';
import type { LedgerState } from '@tacit/privacy/budget/state.ts';
import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { H } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { AgentSignature } from '@tacit/privacy/secagg/message.ts';
import { budgetedRounds, floorEvent } from '@tacit/proto/plan/mechanisms.ts';
import type { RoundPurpose } from '@tacit/proto/plan/schedule.ts';
import { fromJsonBytes, jsonBytes } from '@tacit/proto/store/json.ts';
import type { Write } from '@tacit/proto/store/tables.ts';
import type { AdmittedPlan } from './admission.ts';

const dayMs = 86_400_000;

const purposes: readonly RoundPurpose[] = ['training', 'evaluation'];

/**
 * The ledger of one business unit in use: every change is one appended line, given to the caller as
 * a write for its next transaction. The budget decides here and nowhere else.
 */
export class LedgerBook {
  #state: LedgerState;

  constructor(state: LedgerState) {
    this.#state = state;
  }

  get state(): LedgerState {
    return this.#state;
  }

  /** Opens the account of each population at the policy's ceiling, once a period. */
  openAccounts(policy: BuPolicy, atMs: number): Write[] | Refusal {
    const before = this.#state;
    const writes: Write[] = [];
    for (const population of purposes) {
      if (accountFor(this.#state, population, atMs) !== undefined) continue;
      const entry: LedgerEntry = {
        kind: 'open',
        atMs,
        account: `${population}-${new Date(atMs).toISOString().slice(0, 10)}`,
        population,
        bu: policy.bu,
        unit: 'learner',
        adversary:
          'coordinator and observers of every release, with up to the tolerated number of agents',
        ...policy.ceilings[population],
        periodEndMs: atMs + policy.periodDays * dayMs,
      };
      const refused = this.#append(entry, writes);
      if (refused) {
        this.#state = before;
        return refused;
      }
    }
    return writes;
  }

  /** Runs with an open reservation. */
  openRuns(): Set<string> {
    const open = [...this.#state.reservations.values()].filter(({ closed }) => !closed);
    return new Set(open.map(({ entry }) => entry.runId));
  }

  /** Sets aside what a whole run may spend, for training and for evaluation; once a run. */
  reserve(admitted: AdmittedPlan, atMs: number): Write[] | Refusal {
    const before = this.#state;
    const writes: Write[] = [];
    const rounds = budgetedRounds(admitted.plan.authored);
    for (const purpose of purposes) {
      const reservationId = reservationOf(admitted.plan.runId, purpose);
      const held = this.#state.reservations.get(reservationId);
      if (held && held.entry.planHash !== admitted.planHash) {
        return refuse('reservation-exists', { reservationId });
      }
      if (held) continue;
      const event = floorEvent({
        purpose,
        mechanisms: admitted.mechanisms,
        participant: admitted.self,
        rounds: rounds[purpose],
      });
      const account = accountFor(this.#state, purpose, atMs) ?? purpose;
      const { runId } = admitted.plan;
      const { planHash } = admitted;
      const refused = this.#append(
        { kind: 'reserve', atMs, reservationId, runId, planHash, account, events: [event] },
        writes,
      );
      if (refused) {
        this.#state = before;
        return refused;
      }
    }
    return writes;
  }

  /** Why a round could not be charged if it were trained now; asked before anything is trained. */
  chargeProblem(input: ChargeInput): Refusal | undefined {
    const tried = append(this.#state, chargeEntry({ ...input, hdr: new Uint8Array(32) }));
    return isRefusal(tried) ? tried : undefined;
  }

  /** Spends one reserved round, before the first byte of the upload leaves. */
  charge(input: ChargeInput & { readonly hdr: Uint8Array }): Write[] | Refusal {
    const writes: Write[] = [];
    return this.#append(chargeEntry(input), writes) ?? writes;
  }

  /** Re-evaluates a charge at the honest shares that a verified survivor certificate proves. */
  lower(input: {
    slot: SlotName;
    event: PrivacyEvent;
    honest: number;
    certificate: string;
    atMs: number;
  }): Write[] | Refusal {
    const { slot, event, honest, certificate, atMs } = input;
    const chargeId = chargeIdOf(slot);
    const writes: Write[] = [];
    const refused = this.#append(
      { kind: 'lower', atMs, chargeId, certificate, honest, event },
      writes,
    );
    return refused ?? writes;
  }

  /** Cancels a charge against a verified abort certificate. */
  release(slot: SlotName, certificate: string, atMs: number): Write[] | Refusal {
    const writes: Write[] = [];
    const chargeId = chargeIdOf(slot);
    const refused = this.#append({ kind: 'release', atMs, chargeId, certificate }, writes);
    return refused ?? writes;
  }

  /** Frees what a finished run did not use. */
  close(runId: string, atMs: number): Write[] | Refusal {
    const writes: Write[] = [];
    for (const purpose of purposes) {
      const reservationId = reservationOf(runId, purpose);
      if (!this.#state.reservations.has(reservationId)) continue;
      const refused = this.#append({ kind: 'close', atMs, reservationId }, writes);
      if (refused) return refused;
    }
    return writes;
  }

  /** Where the account of a population stands now. */
  position(population: Population, atMs: number): Position | Refusal {
    return position(this.#state, accountFor(this.#state, population, atMs) ?? population);
  }

  #append(entry: LedgerEntry, writes: Write[]): Refusal | undefined {
    const appended = append(this.#state, entry);
    if (isRefusal(appended)) return appended;
    this.#state = appended.state;
    if (appended.line) writes.push(writeOf(appended.line));
    return undefined;
  }
}

/** One round about to be charged. */
export interface ChargeInput {
  readonly admitted: AdmittedPlan;
  readonly purpose: RoundPurpose;
  readonly slot: SlotName;
  readonly atMs: number;
}

/** A slot of a run, as charges are named after. */
export interface SlotName {
  readonly runId: string;
  readonly epoch: number;
  readonly slot: number;
}

/** Digest that ties a ledger line to the certificate behind it. */
export function certificateDigest(signatures: readonly AgentSignature[]): string {
  return hex(H('certificate', ...signatures.map(({ signature }) => signature)));
}

/** Key of a ledger line in the store: its number, so that order of keys is order of lines. */
export function ledgerKey(seq: number): string {
  return String(seq).padStart(10, '0');
}

/** The ledger's lines as stored. */
export function ledgerLines(entries: readonly [string, Uint8Array][]): LedgerLine[] {
  return entries.map(([, value]) => fromJsonBytes<LedgerLine>(value));
}

/** The account of a population whose period holds `atMs`. */
export function accountFor(
  state: LedgerState,
  population: Population,
  atMs: number,
): string | undefined {
  const open = [...state.accounts.values()].filter(
    (account) => account.population === population && account.periodEndMs > atMs,
  );
  return open[0]?.account;
}

function chargeEntry(input: ChargeInput & { readonly hdr: Uint8Array }): LedgerEntry {
  const { admitted, purpose, slot, hdr, atMs } = input;
  const { mechanisms, self: participant } = admitted;
  return {
    kind: 'charge',
    atMs,
    chargeId: chargeIdOf(slot),
    reservationId: reservationOf(slot.runId, purpose),
    event: floorEvent({ purpose, mechanisms, participant, rounds: 1 }),
    hdr: hex(hdr),
  };
}

function writeOf(line: LedgerLine): Write {
  const key = ledgerKey(line.seq);
  // Written once: a second process on the same ledger must fail, not overwrite a charge.
  return { table: 'ledger', key, value: jsonBytes(line), once: true };
}

function reservationOf(runId: string, purpose: RoundPurpose): string {
  return `${runId}/${purpose}`;
}
