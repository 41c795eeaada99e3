import type { AgentSignature, SurvivorCertificate, SurvivorSet } from './message.ts';
import type { Signer } from './port.ts';
import { abortStatement, survivorsStatement } from './statement.ts';

/** Who may sign: the epoch's keys by roster position, and the quorum. */
export interface Electorate {
  readonly sigPks: readonly Uint8Array[];
  readonly q: number;
}

/** Whether q distinct roster members signed this survivor set. SECAGG.md section 8. */
export function checkSurvivorCertificate(
  signer: Signer,
  voters: Electorate,
  certificate: SurvivorCertificate,
): boolean {
  const message = survivorsStatement(certificate);
  return checkQuorum(signer, voters, { message, signatures: certificate.signatures });
}

/** Whether q distinct roster members signed the abort of this slot. */
export function checkAbortCertificate(
  signer: Signer,
  voters: Electorate,
  certificate: { epoch: Uint8Array; slot: number; signatures: readonly AgentSignature[] },
): boolean {
  const message = abortStatement(certificate.epoch, certificate.slot);
  return checkQuorum(signer, voters, { message, signatures: certificate.signatures });
}

/** The statement without its signatures. */
export function survivorSet(s: SurvivorSet): SurvivorSet {
  const { epoch, slot, transcript, survivors, root } = s;
  return { epoch, slot, transcript, survivors, root };
}

/** The certificate without what else a message carries. */
export function plainCertificate(s: SurvivorCertificate): SurvivorCertificate {
  return { ...survivorSet(s), signatures: s.signatures };
}

function checkQuorum(
  signer: Signer,
  voters: Electorate,
  signed: { message: Uint8Array; signatures: readonly AgentSignature[] },
): boolean {
  const { message, signatures } = signed;
  if (signatures.length < voters.q || signatures.length > voters.sigPks.length) return false;
  const agents = new Set(signatures.map(({ agent }) => agent));
  if (agents.size !== signatures.length) return false;
  return signatures.every(({ agent, signature }) => {
    const publicKey = voters.sigPks[agent];
    return publicKey !== undefined && signer.verify({ publicKey, message, signature });
  });
}
