import { expect, test } from 'vitest';
import { replay, verifyChain } from './chain.ts';
import { canonical, chainHash, chargeIdOf, GENESIS, type LedgerLine } from './entry.ts';
import { append } from './ledger.ts';
import { emptyLedger } from './state.ts';
import { charging, granted, opening, reserving } from './testing/entries.ts';

const entries = [opening, reserving('R-1', 2), charging('R-1', 1), charging('R-1', 2)];

function linesOf(list: readonly LedgerLine['entry'][]): LedgerLine[] {
  let head = GENESIS;
  return list.map((entry, i) => {
    head = chainHash(head, entry);
    return { seq: i + 1, entry, hash: head };
  });
}

test('appending builds the chain that verifies', () => {
  let state = emptyLedger;
  const lines = entries.map((entry) => {
    const next = granted(append(state, entry));
    state = next.state;
    return next.line!;
  });
  expect(lines).toEqual(linesOf(entries));
  expect(verifyChain(lines)).toEqual({ lines: 4, head: state.head });
  expect(verifyChain([])).toEqual({ lines: 0, head: GENESIS });
});

test('a chain with right hashes and an impossible entry is refused by replay', () => {
  const forged = linesOf([...entries, charging('R-1', 3)]);
  expect(verifyChain(forged)).toMatchObject({ lines: 5 });
  expect(replay(forged)).toEqual({
    refused: 'ledger-broken',
    facts: { line: 5, reason: 'charge-unreserved' },
  });
  const doubled = linesOf([...entries, charging('R-1', 2)]);
  expect(replay(doubled)).toMatchObject({ facts: { line: 5, reason: 'repeated' } });
});

test('the canonical form knows no field order and no absent field, and tells values apart', () => {
  expect(canonical({ b: [1, 'x'], a: { d: 1e-6, c: 'é' } })).toBe(
    '{"a":{"c":"é","d":0.000001},"b":[1,"x"]}',
  );
  expect(canonical({ a: 1, b: undefined })).toBe(canonical({ a: 1 }));
  expect(canonical({ a: 1 })).not.toBe(canonical({ a: '1' }));
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, null, true, undefined]) {
    expect(() => canonical({ value: [value] })).toThrow('no canonical form');
  }
});

test('slots of different epochs are different charges', () => {
  expect(chargeIdOf({ runId: 'R-1', epoch: 1, slot: 7 })).not.toBe(
    chargeIdOf({ runId: 'R-1', epoch: 2, slot: 7 }),
  );
});
