import { equalBytes } from '../../crypto/bytes.ts';
import { bitmapOf } from '../bitmap.ts';
import type { Ack, AlreadySigned, Proposal } from '../message.ts';
import { survivorsStatement, uploadsRoot } from '../statement.ts';
import { startAbort } from './abort.ts';
import { startReveal } from './reveal.ts';
import { alarm, type Coordinator, type OpenSlot, persist, sealed, sendRoster } from './state.ts';

/** Closes the slot to uploads: U is exactly who was folded, proposed once and for ever. */
export function propose(machine: Coordinator, slot: OpenSlot): void {
  const { roster } = machine.epoch!;
  const U = [...slot.uploads.keys()].sort((a, b) => a - b);
  if (U.length < slot.open.mechanism.nMin) {
    return startAbort(machine, slot, 'survivors-below-floor');
  }
  slot.proposal = {
    epoch: roster.ctx,
    slot: slot.open.slot,
    transcript: slot.transcript,
    survivors: bitmapOf(U, roster.params.n),
    root: uploadsRoot(U.map((i) => slot.uploads.get(i)!.hdr)),
  };
  slot.phase = 'ack';
  slot.deadlineMs = machine.nowMs + machine.options.config.ackMs;
  persist(machine, { 'slot/proposal': slot.proposal });
  sendRoster(machine, sealed(machine, 'Proposal', slot.proposal));
}

/** One signature over the Proposal; the q-th completes the certificate. */
export function onAck(
  machine: Coordinator,
  position: number,
  { ack, signature }: { ack: Ack | AlreadySigned; signature: Uint8Array },
): void {
  const { slot, options } = machine;
  const { roster } = machine.epoch!;
  if (ack.agent !== position || slot?.open.slot !== ack.slot || !slot.proposal) return;
  const message = survivorsStatement(ack);
  const publicKey = roster.sigPks[position]!;
  if (!options.ports.signer.verify({ publicKey, message, signature })) {
    return alarm(machine, 'ack-forged', { member: roster.members[position]! });
  }
  if (!equalBytes(message, survivorsStatement(slot.proposal))) {
    return alarm(machine, 'vote-differs', { member: roster.members[position]!, slot: ack.slot });
  }
  if (slot.phase !== 'ack' || slot.acks.has(position)) return;
  slot.acks.set(position, signature);
  if (slot.acks.size < roster.params.q) {
    return persist(machine, { [`slot/ack/${position}`]: signature });
  }
  certify(machine, slot, slot.proposal);
}

function certify(machine: Coordinator, slot: OpenSlot, proposal: Proposal): void {
  const signatures = [...slot.acks]
    .map(([agent, signature]) => ({ agent, signature }))
    .sort((a, b) => a.agent - b.agent);
  slot.certificate = { ...proposal, signatures };
  persist(machine, { 'slot/certificate': slot.certificate });
  startReveal(machine, slot);
}
