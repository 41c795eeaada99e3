import { hex, utf8 } from '../crypto/bytes.ts';
import { H } from '../crypto/hash.ts';
import { type Refusal, refuse } from '../refusal.ts';
import type { Signer } from './port.ts';

/** Who is in the federation and how much it tolerates. SECAGG.md sections 1 and 3. */
export interface Manifest {
  readonly federationId: string;
  readonly version: number;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** By agentId in byte order; positions are the members' numbers. */
  readonly agents: readonly ManifestAgent[];
  /** Ed25519 keys, 32 bytes each; any one may sign what the coordinator says. */
  readonly coordinatorKeys: readonly Uint8Array[];
  /** Colluding and missing fractions as exact integers. */
  readonly gammaNum: number;
  readonly gammaDen: number;
  readonly deltaNum: number;
  readonly deltaDen: number;
  /** Colluders when set; else max(1, floor(gamma N)). */
  readonly c?: number;
  /** Agents that may miss an epoch when set; else floor(delta N). */
  readonly dEpoch?: number;
  readonly floors: { readonly nMin: number; readonly shareVariance: number };
  readonly kem: 'ml-kem-768' | 'none';
  /** W: bundles in stock (8). E: slots of one epoch (256). */
  readonly bundlesInStock: number;
  readonly slotsPerEpoch: number;
}

/** One member of the federation. */
export interface ManifestAgent {
  /** SPIFFE URI. */
  readonly agentId: string;
  readonly organisation: string;
  /** SHA-256 of the DER SubjectPublicKeyInfo of the identity key. */
  readonly identityKeyHash: Uint8Array;
}

/** The 32 bytes the membership key signs: `H("manifest", exact bytes)`. */
export function manifestStatement(exactBytes: Uint8Array): Uint8Array {
  return H('manifest', exactBytes);
}

/**
 * Refuses (`manifest-unsigned`) unless `signature` is the membership key's over the exact bytes.
 * Parsing those bytes comes after this check.
 */
export function checkManifestSignature(
  signer: Signer,
  input: { exactBytes: Uint8Array; membershipKey: Uint8Array; signature: Uint8Array },
): Refusal | undefined {
  const good = signer.verify({
    publicKey: input.membershipKey,
    message: manifestStatement(input.exactBytes),
    signature: input.signature,
  });
  return good ? undefined : refuse('manifest-unsigned', {});
}

/**
 * Why no machine can run on this manifest (`manifest-invalid`), or undefined. Order matters:
 * positions are the agents' numbers. Sizes and tolerances are checked by `deriveParameters`.
 */
export function manifestProblem(manifest: Manifest): Refusal | undefined {
  const { agents, coordinatorKeys, floors } = manifest;
  const bad = (what: string) => refuse('manifest-invalid', { what });
  const ids = agents.map(({ agentId }) => hex(utf8(agentId)));
  if (ids.some((id, i) => i > 0 && id <= ids[i - 1]!)) return bad('agents not in byte order');
  const keys = agents.map(({ identityKeyHash }) => hex(identityKeyHash));
  if (keys.some((key) => key.length !== 64)) return bad('identity key hash not 32 bytes');
  if (new Set(keys).size !== keys.length) return bad('identity key twice');
  if (coordinatorKeys.length === 0 || coordinatorKeys.some((key) => key.length !== 32)) {
    return bad('coordinator keys');
  }
  const counts = [manifest.version, manifest.bundlesInStock, manifest.slotsPerEpoch, floors.nMin];
  if (!counts.every((count) => Number.isInteger(count) && count >= 1)) return bad('counts below 1');
  if (!(floors.shareVariance >= 0)) return bad('noise floor');
  if (!(manifest.notBefore < manifest.notAfter)) return bad('validity');
  return undefined;
}
