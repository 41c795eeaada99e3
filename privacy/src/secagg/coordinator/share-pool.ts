import { equalBytes } from '../../crypto/bytes.ts';
import { combine, weightsAtZero } from '../../crypto/shamir.ts';
import { bundleHeader, escrowShareCommit, selfShareCommit } from '../statement.ts';
import type { Epoch, OpenSlot } from './state.ts';

interface GoodShare {
  readonly position: number;
  readonly share: Uint8Array;
}

/** Whether every secret the slot needs has t shares that match their commitments. */
export function enoughShares(epoch: Epoch, slot: OpenSlot): boolean {
  const { t } = epoch.roster.params;
  // Below t answers nothing can suffice; the check of every share waits until then.
  if (slot.reveals.size < t) return false;
  return slot.participants.every((dealer) => goodShares(epoch, slot, dealer).length >= t);
}

/** b of a survivor or eps of a dropped participant, once `enoughShares`. */
export function recover(epoch: Epoch, slot: OpenSlot, dealer: number): Uint8Array {
  const shares = goodShares(epoch, slot, dealer).slice(0, epoch.roster.params.t);
  const weights = weightsAtZero(shares.map(({ position }) => position));
  return combine(
    shares.map(({ share }) => share),
    weights,
  );
}

/** Shares of one dealer by ascending position; a share of the wrong kind is never looked at. */
function goodShares(epoch: Epoch, slot: OpenSlot, dealer: number): GoodShare[] {
  const survived = slot.uploads.has(dealer);
  const good: GoodShare[] = [];
  const answers = [...slot.reveals].sort(([a], [b]) => a - b);
  for (const [position, { shares }] of answers) {
    const kind = survived ? 'b' : 'e';
    const found = shares.find((share) => share.agent === dealer && share.kind === kind);
    if (found && committed(epoch, slot, { dealer, position, share: found.share })) {
      good.push({ position, share: found.share });
    }
  }
  return good;
}

function committed(
  epoch: Epoch,
  slot: OpenSlot,
  of: { dealer: number; position: number; share: Uint8Array },
): boolean {
  const { dealer, position, share } = of;
  const folded = slot.uploads.get(dealer);
  if (folded) {
    const commit = selfShareCommit(folded.upload, position, share);
    return equalBytes(commit, folded.upload.shareCommits[position]!);
  }
  const { bundle } = epoch.bundles.get(slot.open.slot)!.get(dealer)!;
  const commit = escrowShareCommit(bundleHeader(bundle), position, share);
  return equalBytes(commit, bundle.shareCommits[position]!);
}
