import { equalBytes } from '../../crypto/bytes.ts';
import { sha256 } from '../../crypto/hash.ts';
import { membersOf } from '../bitmap.ts';
import { checkSurvivorCertificate, plainCertificate } from '../certificate.ts';
import { signEnvelope, signedPart } from '../envelope.ts';
import { bytesToWords } from '../mask.ts';
import type { Certificate, RevealedShare, RoundResult, SurvivorCertificate } from '../message.ts';
import { openEscrowShare, openSelfShare } from '../share.ts';
import { bundleHeader, survivorsStatement, uploadHeader, uploadsRoot } from '../statement.ts';
import { closeSlot } from './close.ts';
import { slotKeys } from './keys.ts';
import { type Agent, alarm, persist, type SlotKeys, sendSigned, slotOf } from './state.ts';

/** Certificate: the checks of SECAGG.md section 9, then one answer, repeated when asked again. */
export function onCertificate(agent: Agent, certificate: Certificate): void {
  const { slot: number } = certificate;
  const slot = slotOf(agent, number);
  if (!isPinned(agent, certificate)) return;
  if (slot.opened) {
    if (sameStatement(slot.opened.certificate, certificate)) {
      return sendSigned(agent, 'Reveal', slot.opened.reveal);
    }
    return alarm(agent, 'certificates-conflict', { slot: number });
  }
  const keys = slot.closed ? undefined : slotKeys(agent, number);
  if (!keys) return;
  const problem = certificateProblem(agent, certificate);
  if (problem) return alarm(agent, problem, { slot: number });
  const value = {
    epoch: certificate.epoch,
    slot: number,
    transcript: certificate.transcript,
    ...openShares(agent, certificate, keys),
  };
  const { ports, member } = agent.options;
  const seed = agent.epoch!.sigSeed;
  const sealed = signEnvelope(ports, { type: 'Reveal', value, seed, sender: member });
  slot.opened = { certificate: plainCertificate(certificate), reveal: signedPart(sealed) };
  persist(agent, { [`slot/${number}/opened`]: slot.opened });
  if (value.failed.length > 0) alarm(agent, 'shares-unreadable', { slot: number });
  sendSigned(agent, 'Reveal', slot.opened.reveal);
}

/** RoundResult: the sum and its certificate end the slot. */
export function onRoundResult(agent: Agent, result: RoundResult): void {
  const { slot: number, sumHash } = result;
  const slot = slotOf(agent, number);
  if (!isPinned(agent, result) || slot.closed === 'result') return;
  if (slot.closed === 'aborted') return alarm(agent, 'certificates-conflict', { slot: number });
  const known = slot.opened && sameStatement(slot.opened.certificate, result);
  if (slot.opened && !known) return alarm(agent, 'certificates-conflict', { slot: number });
  if (!known && !quorumSigned(agent, result)) {
    return alarm(agent, 'certificate-invalid', { slot: number });
  }
  const inline = result.sum.length > 0;
  if (inline && !equalBytes(sha256(result.sum), sumHash)) {
    return alarm(agent, 'sum-hash-mismatch', { slot: number });
  }
  if (inline && result.sum.length !== slot.pin!.open.vec.length * 4) {
    return alarm(agent, 'sum-length', { slot: number });
  }
  const sum = inline ? { sum: new Int32Array(bytesToWords(result.sum).buffer) } : {};
  const certificate = plainCertificate(result);
  closeSlot(agent, number, { outcome: 'result', certificate, sumHash, ...sum });
}

function isPinned(agent: Agent, message: SurvivorCertificate): boolean {
  const { epoch } = agent;
  if (!epoch || !equalBytes(epoch.roster.ctx, message.epoch)) return false;
  const { pin } = slotOf(agent, message.slot);
  if (!pin) return false;
  if (equalBytes(pin.transcript, message.transcript)) return true;
  alarm(agent, 'split-view', { slot: message.slot });
  return false;
}

function sameStatement(a: SurvivorCertificate, b: SurvivorCertificate): boolean {
  return equalBytes(survivorsStatement(a), survivorsStatement(b));
}

function quorumSigned(agent: Agent, certificate: SurvivorCertificate): boolean {
  const { sigPks, params } = agent.epoch!.roster;
  const { signer } = agent.options.ports;
  return checkSurvivorCertificate(signer, { sigPks, q: params.q }, certificate);
}

function certificateProblem(agent: Agent, certificate: Certificate): string | undefined {
  const { params } = agent.epoch!.roster;
  const slot = slotOf(agent, certificate.slot);
  const { U, dropped } = division(agent, certificate);
  if (!U || certificate.uploads.length !== U.length) return 'certificate-malformed';
  if (certificate.bundles.length !== dropped.length) return 'certificate-malformed';
  if (U.length < slot.pin!.open.mechanism.nMin || params.n - U.length > params.a) {
    return 'survivors-below-floor';
  }
  if (!quorumSigned(agent, certificate)) return 'certificate-invalid';
  const headers = certificate.uploads.map((upload, k) =>
    uploadHeader({ transcript: certificate.transcript, agent: U[k]! }, upload),
  );
  if (!equalBytes(uploadsRoot(headers), certificate.root)) return 'root-mismatch';
  const own = U.indexOf(agent.epoch!.self);
  if (own >= 0 && !(slot.sent && equalBytes(slot.sent.hdr, headers[own]!))) {
    return 'own-upload-substituted';
  }
  return undefined;
}

/** U and P \ U, both from the one bitmap and the pinned participants. */
function division(agent: Agent, { slot, survivors }: SurvivorCertificate) {
  const { n } = agent.epoch!.roster.params;
  const P = membersOf(slotOf(agent, slot).pin!.open.participants, n)!;
  const U = membersOf(survivors, n);
  if (!U || U.some((i) => !P.includes(i))) return { U: undefined, dropped: [] };
  return { U, dropped: P.filter((i) => !U.includes(i)) };
}

function openShares(agent: Agent, certificate: Certificate, keys: SlotKeys) {
  const { self } = agent.epoch!;
  const { epoch, slot, transcript } = certificate;
  const { U, dropped } = division(agent, certificate);
  const shares: RevealedShare[] = [];
  const failed: number[] = [];
  const keep = (of: number, kind: 'b' | 'e', share: Uint8Array | undefined) => {
    if (share?.length === 32) shares.push({ agent: of, kind, share });
    else failed.push(of);
  };
  const placeOf = (dealer: number, salt: Uint8Array) => ({
    channel: keys.channelFrom.get(dealer)!,
    salt,
    slot,
    position: self,
  });
  certificate.uploads.forEach(({ salt, bodyHash, shareCt }, k) => {
    const of = { transcript, agent: U![k]!, bodyHash };
    keep(U![k]!, 'b', openSelfShare(placeOf(U![k]!, salt), of, shareCt));
  });
  certificate.bundles.forEach(({ salt, shareCt }, k) => {
    const dealer = dropped[k]!;
    const hdr = bundleHeader({ epoch, slot, agent: dealer, salt });
    keep(dealer, 'e', openEscrowShare(placeOf(dealer, salt), hdr, shareCt));
  });
  return { shares, failed };
}
