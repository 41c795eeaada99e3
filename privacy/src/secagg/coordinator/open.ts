import { equalBytes } from '../../crypto/bytes.ts';
import { type Refusal, refuse } from '../../refusal.ts';
import { bitmapOf } from '../bitmap.ts';
import { maskedLength } from '../canary.ts';
import type { Refused, RoundOpen } from '../message.ts';
import { transcriptOf } from '../statement.ts';
import { eligible } from './bundle.ts';
import type { RoundWanted } from './event.ts';
import { raiseEpoch } from './setup.ts';
import { type Coordinator, type OpenSlot, persist, sealed, sendRoster, sendTo } from './state.ts';

const THIN_FRACTION = 0.05;

/** Opens the next slot for a round, or says why it cannot run now. */
export function onOpen(machine: Coordinator, round: RoundWanted): void {
  const refusal = openProblem(machine, round);
  if (refusal) {
    machine.out.push({ kind: 'open-refused', round, refusal });
    return;
  }
  const epoch = machine.epoch!;
  const { roster } = epoch;
  const number = epoch.nextSlot;
  const participants = eligible(machine, number);
  const bundles = epoch.bundles.get(number)!;
  const open: RoundOpen = {
    ...round,
    epoch: roster.ctx,
    slot: number,
    participants: bitmapOf(participants, roster.params.n),
    bundleHashes: participants.map((i) => bundles.get(i)!.hash),
    uploadsClosed: false,
  };
  epoch.nextSlot = number + 1;
  noteAttendance(machine, participants.length);
  machine.slot = {
    open,
    transcript: transcriptOf(open),
    participants,
    phase: 'upload',
    deadlineMs: machine.nowMs + machine.options.config.uploadMs,
    sum: new Uint32Array(maskedLength(open.vec.length)),
    uploads: new Map(),
    refused: new Set(),
    acks: new Map(),
    reveals: new Map(),
  };
  persist(machine, { 'next-slot': epoch.nextSlot, 'slot/open': open });
  const members = participants.map((i) => roster.members[i]!);
  machine.out.push({ kind: 'slot-opened', slot: number, open, participants: members });
  sendRoster(machine, sealed(machine, 'RoundOpen', open));
}

/** RoundOpen again for one member: closed to uploads once its upload is in or the phase is over. */
export function resendOpen(machine: Coordinator, slot: OpenSlot, position: number): void {
  const uploadsClosed = slot.phase !== 'upload' || slot.uploads.has(position);
  const envelope = sealed(machine, 'RoundOpen', { ...slot.open, uploadsClosed });
  sendTo(machine, machine.epoch!.roster.members[position]!, envelope);
}

/**
 * A refusal is an agent's word about itself, trusted as far as its connection is: it can only
 * take the agent out of the round or raise the numbers to continue above.
 */
export function onRefused(machine: Coordinator, member: number, refused: Refused): void {
  const { epoch, slot, options } = machine;
  const { code, epochNumber, attempt, highestSlot, round } = refused;
  if (code === 'epoch-old') return raiseEpoch(machine, { epochNumber, attempt });
  // A late word about a slot of an older epoch says nothing about the slot of that number now.
  if (!epoch || (refused.epoch.length > 0 && !equalBytes(refused.epoch, epoch.roster.ctx))) return;
  if (code === 'slot-used' && highestSlot < options.manifest.slotsPerEpoch) {
    epoch.nextSlot = Math.max(epoch.nextSlot, highestSlot + 1);
  }
  const position = epoch.roster.members.indexOf(member);
  if (slot?.open.slot === refused.slot && position >= 0) slot.refused.add(position);
  const facts = { highestSlot, round, attempt };
  machine.out.push({
    kind: 'refused',
    member,
    slot: refused.slot,
    refusal: { refused: code, facts },
  });
}

function openProblem(machine: Coordinator, round: RoundWanted): Refusal | undefined {
  const { epoch, setup, slot, options } = machine;
  if (slot) return refuse('slot-open', { slot: slot.open.slot });
  if (!epoch || setup?.agreed) return refuse('epoch-missing', { setup: setup !== undefined });
  const { params } = epoch.roster;
  const { slotsPerEpoch } = options.manifest;
  if (epoch.nextSlot >= slotsPerEpoch) return refuse('epoch-missing', { slotsPerEpoch });
  const { nMin, c } = round.mechanism;
  if (nMin < params.nMin || c < params.c) {
    return refuse('mechanism-below-floor', { nMin, c, floor: params.nMin, colluders: params.c });
  }
  if (round.vec.ringBits !== 32) return refuse('ring-unsupported', { bits: round.vec.ringBits });
  const able = eligible(machine, epoch.nextSlot).length;
  if (able < nMin) {
    epoch.nMinWanted = Math.max(epoch.nMinWanted, nMin);
    return refuse('survivors-impossible', { able, roster: params.n, needed: nMin });
  }
  return undefined;
}

function noteAttendance(machine: Coordinator, present: number): void {
  const epoch = machine.epoch!;
  const { n } = epoch.roster.params;
  epoch.thinRounds = n - present >= THIN_FRACTION * n ? epoch.thinRounds + 1 : 0;
  for (const [member, rounds] of epoch.wants) epoch.wants.set(member, rounds + 1);
}
