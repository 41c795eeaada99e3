import { u32 } from '../crypto/bytes.ts';
import { H, KDF } from '../crypto/hash.ts';

/** Roots of one agent at one slot, by peer position; `self` is its channel to itself. */
export interface Roots {
  readonly edge: ReadonlyMap<number, Uint8Array>;
  readonly channelTo: ReadonlyMap<number, Uint8Array>;
  readonly channelFrom: ReadonlyMap<number, Uint8Array>;
}

/** Roots of slot 0 towards one peer. */
export interface PairRoots {
  readonly edge: Uint8Array;
  readonly channelTo: Uint8Array;
  readonly channelFrom: Uint8Array;
}

/**
 * Key agreement of one pair (SECAGG.md section 4): `sharedSecret` is X25519, or X25519 || ML-KEM
 * || H("kem-ct", ciphertext) for the hybrid.
 */
export function pairRoots(
  sharedSecret: Uint8Array,
  ends: { ctx: Uint8Array; self: number; peer: number },
): PairRoots {
  const { ctx, self, peer } = ends;
  const derive = (label: string, from: number, to: number) =>
    KDF({ ikm: sharedSecret, salt: ctx, label, fields: [u32(from), u32(to)] });
  return {
    edge: derive('edge-root', Math.min(self, peer), Math.max(self, peer)),
    channelTo: derive('chan', self, peer),
    channelFrom: derive('chan', peer, self),
  };
}

/** `H("kem-ct", ct)`. */
export function kemCiphertextHash(ciphertext: Uint8Array): Uint8Array {
  return H('kem-ct', ciphertext);
}

/** `kappa_ij,s`: the mask key of slot s, from an edge root that stands at s. */
export function edgeKey(root: Uint8Array, ctx: Uint8Array, slot: number): Uint8Array {
  return KDF({ ikm: root, salt: ctx, label: 'slot-edge', fields: [u32(slot)] });
}

/** `chan_{i->j,s}`: the key that seals the shares of slot s, from a root that stands at s. */
export function channelKey(root: Uint8Array, ctx: Uint8Array, slot: number): Uint8Array {
  return KDF({ ikm: root, salt: ctx, label: 'slot-chan', fields: [u32(slot)] });
}

/** One ratchet step of every root: from slot s to s + 1. */
export function advance(roots: Roots, ctx: Uint8Array): Roots {
  const step = (map: ReadonlyMap<number, Uint8Array>) =>
    new Map(Array.from(map, ([peer, root]) => [peer, nextRoot(root, ctx)]));
  return {
    edge: step(roots.edge),
    channelTo: step(roots.channelTo),
    channelFrom: step(roots.channelFrom),
  };
}

/** One ratchet step of one root. */
export function nextRoot(root: Uint8Array, ctx: Uint8Array): Uint8Array {
  return KDF({ ikm: root, salt: ctx, label: 'ratchet' });
}
