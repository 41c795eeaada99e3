import { equalBytes } from '../../crypto/bytes.ts';
import { membersOf } from '../bitmap.ts';
import { checkAbortCertificate, survivorSet } from '../certificate.ts';
import type { AbortAsk, AbortCertificate, Proposal } from '../message.ts';
import { abortStatement, survivorsStatement } from '../statement.ts';
import { closeSlot } from './close.ts';
import {
  type Agent,
  alarm,
  persist,
  send,
  sendEnvelope,
  sendRefused,
  slotOf,
  type Vote,
} from './state.ts';

/** Proposal: every check of SECAGG.md section 8, then one vote, durable before it is sent. */
export function onProposal(agent: Agent, proposal: Proposal): void {
  if (!ofEpoch(agent, proposal.epoch)) return;
  const { slot: number } = proposal;
  const slot = slotOf(agent, number);
  if (!slot.pin) return;
  if (!equalBytes(slot.pin.transcript, proposal.transcript)) {
    alarm(agent, 'split-view', { slot: number });
    return sendRefused(agent, 'split-view', { slot: number });
  }
  if (!slot.vote) {
    const problem = survivorsProblem(agent, proposal);
    if (problem) return alarm(agent, problem, { slot: number });
    const set = survivorSet(proposal);
    const sig = signVote(agent, survivorsStatement(set));
    recordVote(agent, number, { kind: 'survivors', set, sig });
  }
  answer(agent, number, proposal);
}

/** AbortAsk: an empty vote register becomes an abort; a full one is shown. */
export function onAbortAsk(agent: Agent, ask: AbortAsk): void {
  const { slot: number } = ask;
  if (!ofEpoch(agent, ask.epoch) || number >= agent.options.manifest.slotsPerEpoch) return;
  if (!slotOf(agent, number).vote) {
    const sig = signVote(agent, abortStatement(ask.epoch, number));
    recordVote(agent, number, { kind: 'abort', sig });
  }
  answer(agent, number, undefined);
}

/** q aborts: the slot never opens, so its charge may be released. */
export function onAbortCertificate(agent: Agent, certificate: AbortCertificate): void {
  if (!ofEpoch(agent, certificate.epoch)) return;
  const { slot: number } = certificate;
  const slot = slotOf(agent, number);
  if (!slot.pin || slot.closed === 'aborted') return;
  const { roster } = agent.epoch!;
  const voters = { sigPks: roster.sigPks, q: roster.params.q };
  if (!checkAbortCertificate(agent.options.ports.signer, voters, certificate)) {
    return alarm(agent, 'certificate-invalid', { slot: number });
  }
  // A verified survivor certificate besides it means more than c double voters.
  if (slot.opened) return alarm(agent, 'certificates-conflict', { slot: number });
  closeSlot(agent, number, { outcome: 'aborted' });
}

function ofEpoch(agent: Agent, epoch: Uint8Array): boolean {
  return agent.epoch !== undefined && equalBytes(agent.epoch.roster.ctx, epoch);
}

/** Why this survivor set must not be signed; undefined when it may. */
function survivorsProblem(agent: Agent, proposal: Proposal): string | undefined {
  const { params } = agent.epoch!.roster;
  const { open } = slotOf(agent, proposal.slot).pin!;
  const P = new Set(membersOf(open.participants, params.n)!);
  const U = membersOf(proposal.survivors, params.n);
  if (!U || U.some((i) => !P.has(i))) return 'survivors-not-participants';
  if (U.length < open.mechanism.nMin) return 'survivors-below-floor';
  // Complete graph: everyone outside U is a missing neighbour of every survivor.
  if (params.n - U.length > params.a) return 'survivor-isolated';
  return undefined;
}

function signVote(agent: Agent, statement: Uint8Array): Uint8Array {
  return agent.options.ports.signer.sign(agent.epoch!.sigSeed, statement);
}

function recordVote(agent: Agent, number: number, vote: Vote): void {
  const slot = slotOf(agent, number);
  slot.vote = vote;
  delete slot.stage;
  persist(agent, { [`slot/${number}/vote`]: vote });
}

function answer(agent: Agent, number: number, asked: Proposal | undefined): void {
  const { ports, member } = agent.options;
  const { self, roster } = agent.epoch!;
  const vote = slotOf(agent, number).vote!;
  if (vote.kind === 'abort') {
    const value = { epoch: roster.ctx, slot: number, agent: self };
    const body = ports.codec.encode('Abort', value);
    return sendEnvelope(agent, { type: 'Abort', body, sig: vote.sig, sender: member });
  }
  const value = { ...vote.set, agent: self };
  const same = asked && equalBytes(survivorsStatement(asked), survivorsStatement(vote.set));
  if (same) {
    const body = ports.codec.encode('Ack', value);
    return sendEnvelope(agent, { type: 'Ack', body, sig: vote.sig, sender: member });
  }
  send(agent, { type: 'AlreadySigned', value: { ...value, signature: vote.sig } });
}
