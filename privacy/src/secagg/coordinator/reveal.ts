import { equalBytes } from '../../crypto/bytes.ts';
import { membersOf } from '../bitmap.ts';
import type { Certificate, Reveal } from '../message.ts';
import { sharesRoot } from '../statement.ts';
import { enoughShares } from './share-pool.ts';
import { type Coordinator, type OpenSlot, persist, sealed, sendTo } from './state.ts';

/** A certificate exists: every holder is asked for its shares. */
export function startReveal(machine: Coordinator, slot: OpenSlot): void {
  slot.phase = 'reveal';
  slot.deadlineMs = machine.nowMs + machine.options.config.revealMs;
  machine.epoch!.roster.members.forEach((_, position) => {
    sendCertificate(machine, slot, position);
  });
}

/** The certificate with one holder's sealed shares. SECAGG.md section 9. */
export function sendCertificate(machine: Coordinator, slot: OpenSlot, position: number): void {
  const { roster, bundles } = machine.epoch!;
  const U = membersOf(slot.certificate!.survivors, roster.params.n)!;
  const dropped = slot.participants.filter((i) => !slot.uploads.has(i));
  const value: Certificate = {
    ...slot.certificate!,
    uploads: U.map((i) => {
      const { bodyHash, salt, selfCommit, shareCts, shareCommits } = slot.uploads.get(i)!.upload;
      const root = sharesRoot(shareCts, shareCommits);
      return { bodyHash, salt, selfCommit, sharesRoot: root, shareCt: shareCts[position]! };
    }),
    bundles: dropped.map((i) => {
      const { salt, shareCts } = bundles.get(slot.open.slot)!.get(i)!.bundle;
      return { salt, shareCt: shareCts[position]! };
    }),
  };
  sendTo(machine, roster.members[position]!, sealed(machine, 'Certificate', value));
}

/** A holder's answer; true when the shares now suffice for every secret. */
export function onReveal(machine: Coordinator, position: number, reveal: Reveal): boolean {
  const { slot } = machine;
  if (slot?.phase !== 'reveal' || slot.open.slot !== reveal.slot) return false;
  if (slot.reveals.has(position) || !equalBytes(reveal.transcript, slot.transcript)) return false;
  slot.reveals.set(position, reveal);
  persist(machine, { [`slot/reveal/${position}`]: reveal });
  return enoughShares(machine.epoch!, slot);
}
