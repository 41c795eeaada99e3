import type { AgentSignature, MessageOf, MessageType, Signed, SurvivorSet } from './message.ts';

/**
 * Whether the fields of a decoded message have the lengths that SECAGG.md sections 2 to 9 fix for
 * a roster of n (the manifest's N before there is a roster). Meaning is checked by the phases.
 */
export function wellShaped<T extends MessageType>(
  type: T,
  message: MessageOf[T],
  n: number,
): boolean {
  return SHAPES[type](message, n);
}

const KEM_PK = 1184;
const KEM_CT = 1088;
const SEALED_SHARE = 48;
const COMMIT = 16;
const RUN_ID_MAX = 256;

const is =
  (length: number) =>
  (bytes: Uint8Array): boolean =>
    bytes.length === length;
const is32 = is(32);
const is64 = is(64);
const map = (bits: Uint8Array, n: number): boolean => bits.length === Math.ceil(n / 8);
const optional32 = (bytes: Uint8Array): boolean => bytes.length === 0 || is32(bytes);

function listOf(list: readonly Uint8Array[], count: number, length: number): boolean {
  return list.length === count && list.every(is(length));
}

function signedList(list: readonly Signed[], n: number): boolean {
  return list.length >= 3 && list.length <= n && list.every(({ sig }) => is64(sig));
}

function signatures(list: readonly AgentSignature[], n: number): boolean {
  return list.length <= n && list.every((s) => s.agent < n && is64(s.signature));
}

function survivorSet(s: SurvivorSet, n: number): boolean {
  return is32(s.epoch) && is32(s.transcript) && is32(s.root) && map(s.survivors, n);
}

const SHAPES: { [T in MessageType]: (message: MessageOf[T], n: number) => boolean } = {
  Hello: (m) =>
    is32(m.manifestHash) &&
    is32(m.dhPk) &&
    is32(m.nonce) &&
    optional32(m.kemPkHash) &&
    is32(m.delegation.sigPk),
  HelloSet: (m, n) => signedList(m.hellos, n),
  Confirm: (m) => is32(m.helloSetHash),
  ConfirmSet: (m, n) => signedList(m.confirms, n),
  KemPk: (m) => is(KEM_PK)(m.kemPk),
  KemPks: (m, n) =>
    is32(m.epoch) &&
    m.keys.length < n &&
    m.keys.every((key) => key.agent < n && is(KEM_PK)(key.kemPk)),
  KemCt: (m, n) => is32(m.epoch) && m.from < n && m.to < n && is(KEM_CT)(m.ciphertext),
  Welcome: (m) => optional32(m.epoch) && optional32(m.ledgerHead.hash),
  LedgerHead: (m) => is32(m.hash),
  SlotAsk: (m) => is32(m.epoch) && m.slots.length <= 1024,
  Bundle: (m, n) =>
    is32(m.epoch) &&
    m.agent < n &&
    is32(m.salt) &&
    m.escrow.length === 32 * (n - 1) + 16 &&
    listOf(m.edgeCommits, n - 1, COMMIT) &&
    listOf(m.shareCts, n, SEALED_SHARE) &&
    listOf(m.shareCommits, n, COMMIT),
  RoundOpen: (m, n) =>
    is32(m.epoch) &&
    is32(m.modelHash) &&
    is32(m.planHash) &&
    m.runId.length <= RUN_ID_MAX &&
    map(m.participants, n) &&
    m.bundleHashes.length <= n &&
    m.bundleHashes.every(is32),
  Refused: (m) => optional32(m.epoch),
  Upload: (m, n) =>
    is32(m.epoch) &&
    m.agent < n &&
    is32(m.transcript) &&
    is32(m.bodyHash) &&
    is32(m.salt) &&
    is32(m.selfCommit) &&
    listOf(m.shareCts, n, SEALED_SHARE) &&
    listOf(m.shareCommits, n, COMMIT),
  Proposal: survivorSet,
  Ack: (m, n) => survivorSet(m, n) && m.agent < n,
  AlreadySigned: (m, n) => survivorSet(m, n) && m.agent < n && is64(m.signature),
  AbortAsk: (m) => is32(m.epoch),
  Abort: (m, n) => is32(m.epoch) && m.agent < n,
  AbortCertificate: (m, n) => is32(m.epoch) && signatures(m.signatures, n),
  Certificate: (m, n) =>
    survivorSet(m, n) &&
    signatures(m.signatures, n) &&
    m.uploads.length + m.bundles.length <= n &&
    m.uploads.every(
      (u) =>
        [u.bodyHash, u.salt, u.selfCommit, u.sharesRoot].every(is32) && is(SEALED_SHARE)(u.shareCt),
    ) &&
    m.bundles.every((b) => is32(b.salt) && is(SEALED_SHARE)(b.shareCt)),
  Reveal: (m, n) =>
    is32(m.epoch) &&
    is32(m.transcript) &&
    m.failed.length <= n &&
    m.shares.length <= n &&
    m.shares.every((s) => s.agent < n && is32(s.share)),
  RoundResult: (m, n) => survivorSet(m, n) && signatures(m.signatures, n) && is32(m.sumHash),
};
