import { replay } from '@tacit/privacy/budget/chain.ts';
import type { LedgerState } from '@tacit/privacy/budget/state.ts';
import { fromHex } from '@tacit/privacy/crypto/bytes.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { loadManifest } from '@tacit/proto/schema/open-manifest.ts';
import { type Output, table } from '@tacit/proto/terminal/output.ts';
import { ledgerLines } from '../core/ledger-book.ts';
import { isAccepted, type Receipt, storedReceipts } from '../core/receipt.ts';
import { withStore } from './store-of.ts';

/** `tacit receipt list`: every contribution that left, oldest first. */
export async function listReceipts(folder: string, output: Output): Promise<Refusal | undefined> {
  const receipts = withStore(folder, ({ tables }) => storedReceipts(tables.entries('receipt')));
  if (isRefusal(receipts)) return receipts;
  const rows = receipts.map((receipt) => [
    receipt.id,
    receipt.purpose,
    String(receipt.bytes),
    receipt.sha256.slice(0, 16),
    receipt.epsilon.after.toFixed(4),
    receipt.acceptance ? 'accepted' : 'not acknowledged',
  ]);
  const bytes = receipts.reduce((sum, receipt) => sum + receipt.bytes, 0);
  const head = ['receipt', 'purpose', 'bytes', 'sha256', 'epsilon after', 'coordinator'];
  const text = `${table([head, ...rows])}\n${receipts.length} contributions, ${bytes} bytes`;
  output.data('ReceiptList', { items: receipts, bytes }, text);
  return undefined;
}

/** `tacit receipt show`. */
export async function showReceipt(
  options: { folder: string; id: string },
  output: Output,
): Promise<Refusal | undefined> {
  const { folder, id } = options;
  const receipts = withStore(folder, ({ tables }) => storedReceipts(tables.entries('receipt')));
  if (isRefusal(receipts)) return receipts;
  const receipt = receipts.find((item) => item.id === id);
  if (!receipt) return refuse('receipt-unknown', { receipt: id });
  output.data('Receipt', receipt, JSON.stringify(receipt, null, 2));
  return undefined;
}

/**
 * `tacit receipt verify`: the ledger's chain; each receipt against the charge that licensed it; and
 * the coordinator's signature over what it accepted, by a key of the signed manifest.
 */
export async function verifyReceipts(folder: string, output: Output): Promise<Refusal | undefined> {
  const verified = withStore(folder, ({ config, tables }) => {
    const manifest = loadManifest(config.manifest, folder);
    if (isRefusal(manifest)) return manifest;
    const ledger = replay(ledgerLines(tables.entries('ledger')));
    if (isRefusal(ledger)) return ledger;
    const receipts = storedReceipts(tables.entries('receipt'));
    const keys = manifest.manifest.coordinatorKeys;
    for (const receipt of receipts) {
      const wrong = mismatch(receipt, { ledger, keys });
      if (wrong) return refuse('receipt-mismatch', { receipt: receipt.id, reason: wrong });
    }
    const charges = [...ledger.reservations.values()].flatMap((r) => [...r.charges.keys()]);
    const bare = charges.find((id) => !receipts.some((receipt) => receipt.id === id));
    if (bare) return refuse('receipt-mismatch', { receipt: bare, reason: 'charge has no receipt' });
    const accepted = receipts.filter((receipt) => receipt.acceptance).length;
    return {
      receipts: receipts.length,
      accepted,
      ledgerLines: ledger.seq,
      ledgerHead: ledger.head,
    };
  });
  if (isRefusal(verified)) return verified;
  const { receipts, accepted, ledgerLines: lines, ledgerHead } = verified;
  const text =
    `${receipts} receipts match their charges, ${accepted} carry a valid coordinator ` +
    `signature; ledger of ${lines} lines intact, head ${ledgerHead.slice(0, 16)}`;
  output.data('ReceiptVerification', verified, text);
  return undefined;
}

function mismatch(
  receipt: Receipt,
  against: { ledger: LedgerState; keys: readonly Uint8Array[] },
): string | undefined {
  const charges = [...against.ledger.reservations.values()].flatMap((r) => [...r.charges.values()]);
  const charge = charges.find((item) => item.entry.chargeId === receipt.id);
  if (!charge) return 'no charge in the ledger';
  if (charge.entry.hdr !== receipt.hdr) return 'the charge names another upload';
  if (receipt.acceptance === undefined) return undefined;
  const signed = isAccepted({
    hdr: receipt.hdr,
    signature: fromHex(receipt.acceptance),
    coordinatorKeys: against.keys,
  });
  return signed ? undefined : 'the acceptance is not signed by the coordinator';
}
