import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filterLoss } from '../accounting/accountant.ts';
import { filterBudget } from '../accounting/convert.ts';
import type { PrivacyEvent } from '../accounting/event.ts';
import { isRefusal } from '../refusal.ts';
import { replay, verifyChain } from './chain.ts';
import type { LedgerEntry, LedgerLine } from './entry.ts';
import { append } from './ledger.ts';
import { position, reservedEvents, spentEvents } from './position.ts';
import { emptyLedger, type LedgerState } from './state.ts';
import { charging, granted, opening, reserving, round } from './testing/entries.ts';

const { account, filterOrder } = opening;
const budget = filterBudget(filterOrder, opening.epsilon, opening.delta);
const runs = ['R-1', 'R-2', 'R-3'];
const certificates = ['aa'.repeat(32), 'bb'.repeat(32)];

/** What several runs may ask of one ledger at the same time, in any order, right or wrong. */
const anyEntry: fc.Arbitrary<LedgerEntry> = fc
  .record({
    kind: fc.constantFrom('reserve', 'charge', 'charge', 'charge', 'lower', 'release', 'close'),
    runId: fc.constantFrom(...runs),
    rounds: fc.constantFrom(1, 5, 30, 60),
    slot: fc.integer({ min: 0, max: 7 }),
    certificate: fc.constantFrom(...certificates),
    louder: fc.double({ min: 0.9, max: 1.6, noNaN: true }),
  })
  .map(({ kind, runId, rounds, slot, certificate, louder }): LedgerEntry => {
    const atMs = 3000;
    const chargeId = `${runId}/1/${slot}`;
    const event = { ...round, noiseMultiplier: round.noiseMultiplier * louder };
    if (kind === 'reserve') return reserving(runId, rounds);
    if (kind === 'charge') return charging(runId, slot);
    if (kind === 'lower') return { kind, atMs, chargeId, certificate, honest: 6, event };
    if (kind === 'release') return { kind, atMs, chargeId, certificate };
    return { kind: 'close', atMs, reservationId: `${runId}/training` };
  });

const anyHistory = fc.array(anyEntry, { minLength: 10, maxLength: 60 });

/** Appends what is accepted; calls back with the state before and after each accepted entry. */
function play(
  entries: readonly LedgerEntry[],
  check: (before: LedgerState, after: LedgerState, entry: LedgerEntry) => void = () => {},
): { state: LedgerState; lines: LedgerLine[] } {
  const first = granted(append(emptyLedger, opening));
  const lines = [first.line!];
  let state = first.state;
  for (const entry of entries) {
    const next = append(state, entry);
    if (isRefusal(next)) continue;
    check(state, next.state, entry);
    if (next.line !== undefined) lines.push(next.line);
    state = next.state;
  }
  return { state, lines };
}

test('runs at the same time never overspend', () => {
  let [reservations, refusals] = [0, 0];
  fc.assert(
    fc.property(anyHistory, (entries) => {
      const { state } = play(entries, (_, state, entry) => {
        if (entry.kind === 'reserve') reservations += 1;
        const used = [...spentEvents(state, account), ...reservedEvents(state, account)];
        expect(filterLoss(used, filterOrder)).toBeLessThanOrEqual(budget);
        const { spent, reserved, left } = granted(position(state, account));
        expect(Math.min(spent.epsilon, reserved.epsilon, left.epsilon)).toBeGreaterThanOrEqual(0);
      });
      const another = append(state, reserving('R-4', 30));
      if (isRefusal(another)) refusals += 1;
    }),
    { numRuns: 200 },
  );
  // The histories reach the ceiling, from both sides.
  expect(reservations).toBeGreaterThan(50);
  expect(refusals).toBeGreaterThan(10);
  expect(refusals).toBeLessThan(190);
});

test('only a certificate lowers what was spent', () => {
  fc.assert(
    fc.property(anyHistory, (entries) => {
      play(entries, (before, state, entry) => {
        const [was, is] = [before, state].map((s) => granted(position(s, account)).spent.rho);
        if (entry.kind !== 'lower' && entry.kind !== 'release')
          expect(is).toBeGreaterThanOrEqual(was!);
        if (entry.kind === 'lower' || entry.kind === 'release')
          expect(is).toBeLessThanOrEqual(was!);
      });
    }),
  );
});

test('D-1: replaying the stored lines gives the same state and the same head', () => {
  fc.assert(
    fc.property(anyHistory, (entries) => {
      const { state, lines } = play(entries);
      const stored = JSON.parse(JSON.stringify(lines)) as LedgerLine[];
      expect(granted(replay(stored))).toEqual(state);
      expect(verifyChain(stored)).toEqual({ lines: state.seq, head: state.head });
    }),
  );
});

test('D-1: a crash after any line counts at least what had left by then', () => {
  fc.assert(
    fc.property(anyHistory, (entries) => {
      const { lines } = play(entries);
      // What truly left: each charged upload, with the noise that is certified for it, if any.
      const left = new Map<string, PrivacyEvent>();
      lines.forEach(({ entry }, index) => {
        if (entry.kind === 'charge') left.set(entry.chargeId, entry.event);
        if (entry.kind === 'lower') left.set(entry.chargeId, entry.event);
        if (entry.kind === 'release') left.delete(entry.chargeId);
        const crashed = granted(replay(lines.slice(0, index + 1)));
        const truth = filterLoss([...left.values()], filterOrder);
        expect(granted(position(crashed, account)).spent.rho).toBeGreaterThanOrEqual(truth);
      });
    }),
    { numRuns: 30 },
  );
});

test('D-37: a changed, dropped, swapped or repeated line is found and named', () => {
  const damages: Record<string, (lines: LedgerLine[], at: number) => LedgerLine[]> = {
    changed: (lines, at) => {
      const entry = { ...lines[at]!.entry, atMs: lines[at]!.entry.atMs + 1 };
      return lines.with(at, { ...lines[at]!, entry });
    },
    dropped: (lines, at) => lines.toSpliced(at, 1),
    swapped: (lines, at) => lines.with(at, lines[at + 1]!).with(at + 1, lines[at]!),
    repeated: (lines, at) => lines.toSpliced(at, 0, lines[at]!),
  };
  fc.assert(
    fc.property(
      anyHistory,
      fc.nat(),
      fc.constantFrom(...Object.keys(damages)),
      (entries, n, how) => {
        const { lines } = play([reserving('R-1', 5), ...entries]);
        const at = n % (lines.length - 1);
        const bad = how === 'repeated' ? at + 2 : at + 1;
        const refusal = verifyChain(damages[how]!(lines, at));
        expect(refusal).toMatchObject({ refused: 'ledger-broken', facts: { line: bad } });
      },
    ),
  );
});
