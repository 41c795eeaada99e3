import { f64, u32, u64, utf8 } from '../crypto/bytes.ts';
import { H } from '../crypto/hash.ts';
import type {
  Bundle,
  MechanismFields,
  RoundOpen,
  SurvivorSet,
  Upload,
  VecFields,
} from './message.ts';

/** Words in one canary chunk, canary included. */
export const CHUNK_WORDS = 65_536;

/** Everything that is hashed and signed with a label of its own. Section numbers: SECAGG.md. */

/** Section 2: what an ordinary envelope signs. */
export function messageStatement(type: string, body: Uint8Array): Uint8Array {
  return H('msg', utf8(type), body);
}

/** Section 3. Times are u64 seconds. */
export function delegationStatement(d: {
  federationId: string;
  agentId: string;
  sigPk: Uint8Array;
  notBefore: number;
  notAfter: number;
}): Uint8Array {
  const { sigPk, notBefore, notAfter } = d;
  return H('delegate', utf8(d.federationId), utf8(d.agentId), sigPk, u64(notBefore), u64(notAfter));
}

/** Section 4. */
export function helloSetHash(bodies: readonly Uint8Array[]): Uint8Array {
  return H('hello-set', ...bodies.map((body) => messageStatement('Hello', body)));
}

/** Section 4: ctx of an epoch without a beacon (its seed has no rho fields). */
export function epochContext(e: {
  manifestHash: Uint8Array;
  epochNumber: number;
  attempt: number;
  helloSetHash: Uint8Array;
  paramsHash: Uint8Array;
}): Uint8Array {
  const seed = H('seed', e.helloSetHash);
  const numbers = [u32(e.epochNumber), u32(e.attempt)];
  return H('epoch', e.manifestHash, ...numbers, e.helloSetHash, seed, e.paramsHash);
}

/** Section 5: salted by `salt`, so a repeated header is a repeated bundle. */
export function bundleHeader(b: Pick<Bundle, 'epoch' | 'slot' | 'agent' | 'salt'>): Uint8Array {
  return H('bundle-hdr', b.epoch, u32(b.slot), u32(b.agent), b.salt);
}

/** Section 5. */
export function bundleHash(b: Bundle): Uint8Array {
  const lists = [...b.shareCts, ...b.shareCommits, ...b.edgeCommits];
  return H('bundle', bundleHeader(b), b.escrow, ...lists);
}

/** Section 5, 16 bytes: `edge` names both ends and the slot of a kappa. */
export function edgeCommit(
  edge: { epoch: Uint8Array; slot: number; i: number; j: number },
  kappa: Uint8Array,
): Uint8Array {
  const { epoch, slot, i, j } = edge;
  const fields = [u32(slot), u32(Math.min(i, j)), u32(Math.max(i, j))];
  return H('edge-commit', epoch, ...fields, kappa).slice(0, 16);
}

/** Section 5, 16 bytes: commitment to one holder's share of an escrow key. */
export function escrowShareCommit(hdr: Uint8Array, p: number, share: Uint8Array): Uint8Array {
  return H('sc', hdr, u32(p), share).slice(0, 16);
}

/** Section 6: T. */
export function transcriptOf(open: RoundOpen): Uint8Array {
  const hashes = { privacyHash: privacyHash(open.mechanism), vecSpecHash: vecSpecHash(open.vec) };
  return transcriptHash(open, hashes);
}

/** T from the hashes of its mechanism and vector fields. */
export function transcriptHash(
  open: Omit<RoundOpen, 'mechanism' | 'vec' | 'uploadsClosed'>,
  hashes: { privacyHash: Uint8Array; vecSpecHash: Uint8Array },
): Uint8Array {
  return H(
    'transcript',
    open.epoch,
    utf8(open.runId),
    u32(open.slot),
    u32(open.round),
    u32(open.attempt),
    open.modelHash,
    open.planHash,
    hashes.privacyHash,
    hashes.vecSpecHash,
    open.participants,
    ...open.bundleHashes,
  );
}

/** Section 6. */
export function privacyHash(m: MechanismFields): Uint8Array {
  const reals = [m.clipNorm, m.scale, m.sensitivity, m.shareVariance].map(f64);
  return H('mechanism', utf8(m.id), ...reals, u32(m.nMin), u32(m.c));
}

/** Section 6. */
export function vecSpecHash(v: VecFields): Uint8Array {
  return H('vec', utf8(v.kind), u64(v.length), u32(v.ringBits), u32(CHUNK_WORDS));
}

/** One agent's upload in one slot. */
export interface UploadId {
  readonly transcript: Uint8Array;
  readonly agent: number;
}

/** Section 7: additional data of a sealed self share. */
export function selfShareAad(id: UploadId, p: number, bodyHash: Uint8Array): Uint8Array {
  return H('self-aad', id.transcript, u32(id.agent), u32(p), bodyHash);
}

/** Section 7, 16 bytes. */
export function selfShareCommit(id: UploadId, p: number, share: Uint8Array): Uint8Array {
  return H('sc', id.transcript, u32(id.agent), u32(p), share).slice(0, 16);
}

/** Section 7. */
export function selfCommit(id: UploadId, b: Uint8Array): Uint8Array {
  return H('self-commit', id.transcript, u32(id.agent), b);
}

/** Section 7. */
export function sharesRoot(
  shareCts: readonly Uint8Array[],
  shareCommits: readonly Uint8Array[],
): Uint8Array {
  return H('shares', ...shareCts, ...shareCommits);
}

/** Section 7: hdr_i, what an Upload signs. */
export function uploadHeader(
  id: UploadId,
  parts: {
    bodyHash: Uint8Array;
    salt: Uint8Array;
    selfCommit: Uint8Array;
    sharesRoot: Uint8Array;
  },
): Uint8Array {
  const { bodyHash, salt } = parts;
  return H(
    'upload',
    id.transcript,
    u32(id.agent),
    bodyHash,
    salt,
    parts.selfCommit,
    parts.sharesRoot,
  );
}

/** hdr_i of an upload's header message. */
export function headerOf(upload: Upload): Uint8Array {
  const root = sharesRoot(upload.shareCts, upload.shareCommits);
  return uploadHeader(upload, { ...upload, sharesRoot: root });
}

/** Section 7: what the coordinator's Acceptance signs. */
export function acceptedStatement(hdr: Uint8Array): Uint8Array {
  return H('accepted', hdr);
}

/** Section 11: what the coordinator's LATE signs. */
export function lateStatement(hdr: Uint8Array): Uint8Array {
  return H('late', hdr);
}

/** Section 8: root of the survivors' headers, ascending by agent. */
export function uploadsRoot(headers: readonly Uint8Array[]): Uint8Array {
  return H('uploads', ...headers);
}

/** Section 8: m, what an Ack signs. */
export function survivorsStatement(s: SurvivorSet): Uint8Array {
  return H('survivors', s.epoch, u32(s.slot), s.transcript, s.survivors, s.root);
}

/** Section 8: what an Abort signs. */
export function abortStatement(epoch: Uint8Array, slot: number): Uint8Array {
  return H('abort', epoch, u32(slot));
}
