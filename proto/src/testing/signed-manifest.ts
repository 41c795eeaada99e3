import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { ed25519 } from '@tacit/privacy/crypto/ed25519.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { manifestStatement } from '@tacit/privacy/secagg/manifest.ts';
import { openManifest, type SignedManifest } from '../schema/manifest.ts';
import { manifestFile } from '../schema/manifest-file.ts';

/** Seed of the coordinator key that `signedManifest` names. */
export const coordinatorSeed = new Uint8Array(32).fill(5);

/** A manifest of `n` units `unit-0..` with 1,000 training and 250 held-out learners each. */
export function signedManifest(n: number): SignedManifest {
  const bytes = manifestBytes(n);
  const membershipSeed = new Uint8Array(32).fill(4);
  const opened = openManifest({
    exactBytes: bytes,
    membershipKey: ed25519.publicKey(membershipSeed),
    signature: ed25519.sign(membershipSeed, manifestStatement(bytes)),
  });
  if (isRefusal(opened)) throw new Error(opened.refused);
  return opened;
}

/** The exact bytes that `signedManifest` signs. */
export function manifestBytes(n: number): Uint8Array {
  const agents = Array.from({ length: n }, (_, i) => ({
    agentId: agentIdOf(i),
    bu: `unit-${i}`,
    organisation: `unit-${i}`,
    identityKeyHash: hex(new Uint8Array(32).fill(i)),
    declaredLearners: { training: 1000, heldOut: 250 },
  }));
  const manifest = manifestFile.parse({
    apiVersion: 'tacit/v1',
    kind: 'Manifest',
    federationId: 'test',
    version: 1,
    validity: { notBefore: 0, notAfter: 4_000_000_000 },
    coordinatorKeys: [hex(ed25519.publicKey(coordinatorSeed))],
    floors: { survivorsMin: 3 },
    kem: 'none',
    agents,
  });
  return new TextEncoder().encode(JSON.stringify(manifest));
}

/** The identity of unit `i`. */
export function agentIdOf(i: number): string {
  return `spiffe://test/region/r/bu/unit-${i}`;
}
