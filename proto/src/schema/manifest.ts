import { fromHex } from '@tacit/privacy/crypto/bytes.ts';
import { ed25519 } from '@tacit/privacy/crypto/ed25519.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { checkManifestSignature, type Manifest } from '@tacit/privacy/secagg/manifest.ts';
import { parseChecked } from './check.ts';
import { type ManifestFile, manifestFile } from './manifest-file.ts';

/** A manifest whose signature was verified, in both its forms. */
export interface SignedManifest {
  readonly file: ManifestFile;
  /** What the protocol reads. */
  readonly manifest: Manifest;
  /** SHA-256 of the exact bytes. */
  readonly hash: Uint8Array;
}

/**
 * Verifies the membership signature over the exact bytes, then parses them. Refuses
 * `manifest-unsigned`, what the schema refuses, and agents that are unsorted or listed twice.
 */
export function openManifest(input: {
  exactBytes: Uint8Array;
  signature: Uint8Array;
  membershipKey: Uint8Array;
}): SignedManifest | Refusal {
  const unsigned = checkManifestSignature(ed25519, input);
  if (unsigned) return unsigned;
  const text = new TextDecoder().decode(input.exactBytes);
  const file = parseChecked({ text, file: 'manifest', schema: manifestFile });
  if (isRefusal(file)) return file;
  const ids = file.agents.map((agent) => agent.agentId);
  if (ids.some((id, i) => i > 0 && !(ids[i - 1] < id))) {
    return refuse('config-invalid', {
      file: 'manifest',
      key: 'agents',
      reason: 'not sorted by id',
    });
  }
  return { file, manifest: manifestOf(file), hash: sha256(input.exactBytes) };
}

function manifestOf(file: ManifestFile): Manifest {
  return {
    federationId: file.federationId,
    version: file.version,
    notBefore: file.validity.notBefore,
    notAfter: file.validity.notAfter,
    agents: file.agents.map(({ agentId, organisation, identityKeyHash }) => ({
      agentId,
      organisation,
      identityKeyHash: fromHex(identityKeyHash),
    })),
    coordinatorKeys: file.coordinatorKeys.map(fromHex),
    gammaNum: file.gamma[0],
    gammaDen: file.gamma[1],
    deltaNum: file.delta[0],
    deltaDen: file.delta[1],
    c: file.colluders,
    dEpoch: file.absentFromEpochMax,
    floors: { nMin: file.floors.survivorsMin, shareVariance: file.floors.shareVariance },
    kem: file.kem,
    bundlesInStock: file.bundleStock,
    slotsPerEpoch: file.slotsPerEpoch,
  };
}
