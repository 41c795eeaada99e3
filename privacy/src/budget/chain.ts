import { isRefusal, type Refusal, refuse } from '../refusal.ts';
import { chainHash, GENESIS, type LedgerLine } from './entry.ts';
import { apply } from './ledger.ts';
import { emptyLedger, type LedgerState } from './state.ts';

/** The last hash of an intact chain: what two parties compare to see that nothing was cut off. */
export interface ChainHead {
  readonly lines: number;
  readonly head: string;
}

/** Checks every hash and number; `ledger-broken` names the first bad line (1 is the first). */
export function verifyChain(lines: Iterable<LedgerLine>): ChainHead | Refusal {
  let head = GENESIS;
  let count = 0;
  for (const line of lines) {
    count += 1;
    if (line.seq !== count) {
      return refuse('ledger-broken', { line: count, seq: line.seq, reason: 'sequence' });
    }
    if (chainHash(head, line.entry) !== line.hash) {
      return refuse('ledger-broken', { line: count, reason: 'hash' });
    }
    head = line.hash;
  }
  return { lines: count, head };
}

/**
 * The state that stored lines lead to: hashes and rules are both checked again, so a ledger that
 * was forged with right hashes and an impossible entry is refused as well.
 */
export function replay(lines: readonly LedgerLine[]): LedgerState | Refusal {
  const chain = verifyChain(lines);
  if (isRefusal(chain)) return chain;
  let state = emptyLedger;
  for (const { seq, entry } of lines) {
    const next = apply(state, entry);
    if (isRefusal(next)) {
      return refuse('ledger-broken', { line: seq, reason: next.refused });
    }
    if (next === state) return refuse('ledger-broken', { line: seq, reason: 'repeated' });
    state = next;
  }
  return state;
}
