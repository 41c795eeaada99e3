import type { SlotFailed } from './event.ts';
import { type Coordinator, deletions, type OpenSlot, persist } from './state.ts';

/** The slot is over: its records go, its number is never used again. */
export function finishSlot(
  machine: Coordinator,
  slot: OpenSlot,
  failure: { code: SlotFailed['code']; aborted: boolean } | undefined,
): void {
  const { slot: number } = slot.open;
  const epoch = machine.epoch!;
  delete machine.slot;
  epoch.bundles.delete(number);
  persist(machine, deletions(machine, new RegExp(`^(slot/|bundle/${number}/)`)));
  if (!failure) return;
  const { n, nMin, q } = epoch.roster.params;
  const counts = { uploads: slot.uploads.size, acks: slot.acks.size, reveals: slot.reveals.size };
  const facts = { ...counts, n, nMin: Math.max(nMin, slot.open.mechanism.nMin), q };
  machine.out.push({ kind: 'failed', slot: number, open: slot.open, ...failure, facts });
}
