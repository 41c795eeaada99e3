import { agentTables } from '@tacit/client-agent/core/effect.ts';
import { ledgerLines } from '@tacit/client-agent/core/ledger-book.ts';
import type { Receipt } from '@tacit/client-agent/core/receipt.ts';
import { storedReceipts } from '@tacit/client-agent/core/receipt.ts';
import { replay } from '@tacit/privacy/budget/chain.ts';
import type { Charge } from '@tacit/privacy/budget/state.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { openTables } from '@tacit/proto/store/tables.ts';

/** Every charge in an agent's store, chain and rules verified, and every receipt. */
export function spentBy(store: string): { charges: Charge[]; receipts: Receipt[] } {
  const tables = openTables({ file: store, tables: agentTables, readOnly: true });
  try {
    const ledger = replay(ledgerLines(tables.entries('ledger')));
    if (isRefusal(ledger)) throw new Error(JSON.stringify(ledger));
    const charges = [...ledger.reservations.values()].flatMap((held) => [...held.charges.values()]);
    return { charges, receipts: storedReceipts(tables.entries('receipt')) };
  } finally {
    tables.close();
  }
}
