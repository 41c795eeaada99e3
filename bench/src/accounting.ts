import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { epsilonOf } from '@tacit/privacy/accounting/accountant.ts';
import { noiseMultiplierFor } from '@tacit/privacy/accounting/calibrate.ts';
import type { PrivacyEvent } from '@tacit/privacy/accounting/event.ts';
import { type ChargeEntry, chargeIdOf, type LedgerEntry } from '@tacit/privacy/budget/entry.ts';
import { append } from '@tacit/privacy/budget/ledger.ts';
import { emptyLedger, type LedgerState } from '@tacit/privacy/budget/state.ts';
import { utf8 } from '@tacit/privacy/crypto/bytes.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { openTables } from '@tacit/proto/store/tables.ts';
import { interleaved, median } from './interleaved.ts';
import { type BenchRow, rowOf } from './row.ts';

/**
 * Solving for the noise multiplier of a run, against one evaluation of the accountant at the
 * answer; and the last charge of a run, chained and on disk, against one durable commit of as many
 * bytes. In ms.
 */
export function accountingBench(): BenchRow[] {
  return [calibrateRow(), chargeRow()];
}

const ROUNDS = 1_000;
const TARGET = { epsilon: 4, delta: 1e-6, rate: 0.01, rounds: ROUNDS };

function calibrateRow(): BenchRow {
  const { value: noiseMultiplier } = granted(noiseMultiplierFor(TARGET));
  const { delta, rate, rounds } = TARGET;
  const events = [eventOf({ rate, noiseMultiplier, rounds })];
  const [value, floor] = interleaved(
    [() => noiseMultiplierFor(TARGET), () => epsilonOf({ events, delta })],
    { repeats: 15, warmUp: 3, statistic: median },
  );
  return rowOf({
    bench: 'accounting',
    case: `calibrate ${ROUNDS} rounds`,
    value: value!,
    unit: 'ms',
    floor: floor!,
  });
}

function chargeRow(): BenchRow {
  const state = ledgerWith(ROUNDS - 1);
  const charge = chargeOf(ROUNDS);
  const line = utf8(JSON.stringify(appended(state, charge).line));
  const folder = mkdtempSync(join(tmpdir(), 'tacit-bench-'));
  const tables = openTables({ file: join(folder, 'ledger.sqlite'), tables: ['ledger'] });
  let key = 0;
  const commit = (value: Uint8Array) => {
    tables.write([{ table: 'ledger', key: String(++key).padStart(10, '0'), value }]);
  };
  const [value, floor] = interleaved(
    [() => commit(utf8(JSON.stringify(appended(state, charge).line))), () => commit(line)],
    { repeats: 100, warmUp: 10, statistic: median },
  );
  tables.close();
  rmSync(folder, { recursive: true });
  return rowOf({
    bench: 'accounting',
    case: `charge round ${ROUNDS} of ${ROUNDS}, durable`,
    value: value!,
    unit: 'ms',
    floor: floor!,
  });
}

/** A ledger with one run of `ROUNDS` reserved rounds, of which `charges` are charged. */
function ledgerWith(charges: number): LedgerState {
  const { epsilon, delta } = TARGET;
  const entries: LedgerEntry[] = [
    {
      kind: 'open',
      atMs: 1,
      account: 'training',
      population: 'training',
      bu: 'bench',
      unit: 'learner',
      adversary: 'coordinator',
      epsilon,
      delta,
      filterOrder: 8,
      periodEndMs: 10,
    },
    {
      kind: 'reserve',
      atMs: 2,
      reservationId: 'run/training',
      runId: 'run',
      planHash: 'ab'.repeat(32),
      account: 'training',
      events: [{ ...oneRound, rounds: ROUNDS }],
    },
    ...Array.from({ length: charges }, (_, i) => chargeOf(i + 1)),
  ];
  return entries.reduce((state, entry) => appended(state, entry).state, emptyLedger);
}

const oneRound = eventOf({ rate: TARGET.rate, noiseMultiplier: 2, rounds: 1 });

function chargeOf(slot: number): ChargeEntry {
  return {
    kind: 'charge',
    atMs: 3,
    chargeId: chargeIdOf({ runId: 'run', epoch: 1, slot }),
    reservationId: 'run/training',
    event: oneRound,
    hdr: slot.toString(16).padStart(64, '0'),
  };
}

function appended(state: LedgerState, entry: LedgerEntry) {
  return granted(append(state, entry));
}

function eventOf(fields: Omit<PrivacyEvent, 'kind'>): PrivacyEvent {
  return { kind: 'subsampled-gaussian', ...fields };
}

function granted<T>(value: T | Refusal): T {
  if (isRefusal(value)) throw new Error(JSON.stringify(value));
  return value;
}
