import { concat, u32 } from '../crypto/bytes.ts';
import { KDF } from '../crypto/hash.ts';
import { type SealInput, seal, unseal } from '../crypto/seal.ts';
import { selfShareAad, type UploadId } from './statement.ts';

/** Where a sealed share goes: the channel key of its slot, the dealer's salt, the position. */
export interface SharePlace {
  readonly channel: Uint8Array;
  readonly salt: Uint8Array;
  readonly slot: number;
  readonly position: number;
}

/** `shareCt[p]` of a bundle: an escrow share under `hdr || u32(p)`. SECAGG.md section 5. */
export function sealEscrowShare(place: SharePlace, hdr: Uint8Array, share: Uint8Array): Uint8Array {
  return seal({ ...escrowPlace(place, hdr), text: share });
}

/** The escrow share, or undefined when place or header do not fit the seal. */
export function openEscrowShare(place: SharePlace, hdr: Uint8Array, sealed: Uint8Array) {
  return unseal({ ...escrowPlace(place, hdr), text: sealed });
}

/** What a sealed self share is bound to besides its place: upload and hash of its vector. */
export interface SelfShareOf extends UploadId {
  readonly bodyHash: Uint8Array;
}

/** `shareCt[p]` of an upload. SECAGG.md section 7. */
export function sealSelfShare(place: SharePlace, of: SelfShareOf, share: Uint8Array): Uint8Array {
  return seal({ ...selfPlace(place, of), text: share });
}

/** The self share, or undefined when place, upload or body hash do not fit the seal. */
export function openSelfShare(place: SharePlace, of: SelfShareOf, sealed: Uint8Array) {
  return unseal({ ...selfPlace(place, of), text: sealed });
}

function escrowPlace(place: SharePlace, hdr: Uint8Array): Omit<SealInput, 'text'> {
  return { key: shareKey(place, 'escrow-share'), aad: concat(hdr, u32(place.position)) };
}

function selfPlace(place: SharePlace, of: SelfShareOf): Omit<SealInput, 'text'> {
  return {
    key: shareKey(place, 'self-share'),
    aad: selfShareAad(of, place.position, of.bodyHash),
  };
}

function shareKey(place: SharePlace, label: string): Uint8Array {
  return KDF({ ikm: place.channel, salt: place.salt, label, fields: [u32(place.slot)] });
}

/** `SEAL(KDF(eps, hdr, "escrow-enc"), hdr, kappas ascending)`. */
export function sealEscrow(eps: Uint8Array, hdr: Uint8Array, kappas: readonly Uint8Array[]) {
  return seal({ key: escrowKey(eps, hdr), aad: hdr, text: concat(...kappas) });
}

/** The kappas of an escrow, or undefined when eps does not open it or the count is wrong. */
export function openEscrow(
  eps: Uint8Array,
  hdr: Uint8Array,
  { escrow, count }: { escrow: Uint8Array; count: number },
): Uint8Array[] | undefined {
  const text = unseal({ key: escrowKey(eps, hdr), aad: hdr, text: escrow });
  if (text?.length !== count * 32) return undefined;
  return Array.from({ length: count }, (_, i) => text.slice(32 * i, 32 * i + 32));
}

function escrowKey(eps: Uint8Array, hdr: Uint8Array): Uint8Array {
  return KDF({ ikm: eps, salt: hdr, label: 'escrow-enc' });
}
