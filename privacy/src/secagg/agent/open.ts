import { equalBytes } from '../../crypto/bytes.ts';
import type { Refusal } from '../../refusal.ts';
import { membersOf } from '../bitmap.ts';
import { hedged, sampleKeyOf } from '../hedge.ts';
import type { RefusedCode, RoundOpen } from '../message.ts';
import { transcriptOf } from '../statement.ts';
import { publishBundles } from './bundle.ts';
import { localSecret, ratchet } from './keys.ts';
import { type Agent, alarm, highestPinned, persist, sendRefused, slotOf } from './state.ts';
import { sendUpload } from './upload.ts';

/** RoundOpen: pins T, checks what SECAGG.md section 6 asks, then asks the app to admit it. */
export function onRoundOpen(agent: Agent, open: RoundOpen): void {
  const { epoch, options } = agent;
  if (!epoch || !equalBytes(open.epoch, epoch.roster.ctx)) return;
  const { slot: number } = open;
  if (number >= options.manifest.slotsPerEpoch) return;
  const transcript = transcriptOf(open);
  const slot = slotOf(agent, number);
  if (slot.pin) return onRepeated(agent, open, transcript);
  if (!roundIsSound(agent, open)) return sendRefused(agent, 'cohort', { slot: number });
  if (number < highestPinned(agent)) return sendRefused(agent, 'slot-used', { slot: number });
  const code = protocolRefusal(agent, open);
  const participant = participants(agent, open)!.includes(epoch.self);
  const takesPart = participant && !code && !open.uploadsClosed;
  slot.pin = { open, transcript, atMs: agent.nowMs, takesPart };
  persist(agent, { [`slot/${number}/pin`]: slot.pin });
  ratchet(agent);
  if (code && participant) sendRefused(agent, code, { slot: number, runId: open.runId });
  if (takesPart) askAdmission(agent, number);
  publishBundles(agent, number + 1, { again: false });
}

/** The app admits the round: draw the hedged keys for sample and noise. */
export function onAdmitted(agent: Agent, number: number): void {
  const slot = slotOf(agent, number);
  if (!slot.pin || slot.stage !== 'admitting' || slot.closed || slot.vote?.kind === 'abort') return;
  slot.stage = 'encoding';
  const { open, transcript } = slot.pin;
  const ikm = hedged(agent.options.ports.randomBytes(32), localSecret(agent));
  const noise = { ikm, transcript };
  const sampleKey = sampleKeyOf(noise);
  agent.out.push({ kind: 'contribute', slot: number, open, transcript, sampleKey, noise });
}

/** The app refuses: the coordinator hears the code; T stays pinned and this agent still votes. */
export function onRefusedByApp(agent: Agent, number: number, refusal: Refusal): void {
  const slot = slotOf(agent, number);
  if (!slot.pin || slot.stage === undefined) return;
  delete slot.stage;
  slot.pin = { ...slot.pin, takesPart: false };
  persist(agent, { [`slot/${number}/pin`]: slot.pin });
  sendRefused(agent, refusal.refused, { slot: number, runId: slot.pin.open.runId });
}

function onRepeated(agent: Agent, open: RoundOpen, transcript: Uint8Array): void {
  const slot = slotOf(agent, open.slot);
  if (!equalBytes(slot.pin!.transcript, transcript)) {
    alarm(agent, 'split-view', { slot: open.slot });
    return sendRefused(agent, 'slot-used', { slot: open.slot });
  }
  if (slot.closed) return;
  if (open.uploadsClosed) {
    // Too late to be in the sum: what has not left yet stays, and costs nothing.
    delete slot.stage;
    return;
  }
  if (slot.sent) return sendUpload(agent, open.slot);
  // After a restart nothing has left in this slot yet, so the sample may be drawn anew.
  const idle = slot.pin!.takesPart && slot.stage === undefined && slot.vote?.kind !== 'abort';
  if (idle) askAdmission(agent, open.slot);
}

function askAdmission(agent: Agent, number: number): void {
  const slot = slotOf(agent, number);
  slot.stage = 'admitting';
  const { open, transcript } = slot.pin!;
  const { epochNumber } = agent.epoch!.roster;
  agent.out.push({ kind: 'admit', slot: number, epochNumber, open, transcript });
}

function participants(agent: Agent, open: RoundOpen): number[] | undefined {
  return membersOf(open.participants, agent.epoch!.roster.params.n);
}

// A round below the epoch's floors gets nothing from this agent, not even a pinned T.
function roundIsSound(agent: Agent, open: RoundOpen): boolean {
  const { params } = agent.epoch!.roster;
  const { nMin, c, shareVariance } = open.mechanism;
  const { floors } = agent.options.manifest;
  const P = participants(agent, open);
  return (
    nMin >= params.nMin &&
    c >= params.c &&
    shareVariance >= floors.shareVariance &&
    open.vec.ringBits === 32 &&
    P !== undefined &&
    P.length === open.bundleHashes.length
  );
}

function protocolRefusal(agent: Agent, open: RoundOpen): RefusedCode | undefined {
  const { epoch, options } = agent;
  const { params } = epoch!.roster;
  const { self } = epoch!;
  const P = participants(agent, open)!;
  if (slotOf(agent, open.slot).vote?.kind === 'abort') return 'slot-used';
  const last = agent.runs.get(open.runId);
  const above =
    !last || open.round > last.round || (open.round === last.round && open.attempt > last.attempt);
  if (!above || open.attempt > options.config.attemptsMax) return 'round-old';
  const own = agent.bundles.get(open.slot);
  const place = P.indexOf(self);
  const intact = own !== undefined && place >= 0 && equalBytes(own.hash, open.bundleHashes[place]!);
  const missing = params.n - P.length;
  if (!intact || P.length < open.mechanism.nMin || missing > params.a) return 'cohort';
  return undefined;
}
