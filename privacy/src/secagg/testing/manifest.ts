import { ed25519 } from '../../crypto/ed25519.ts';
import { sha256 } from '../../crypto/hash.ts';
import type { Manifest } from '../manifest.ts';
import type { Identity } from '../port.ts';

/** When every test begins, in milliseconds since 1970. */
export const START_MS = 1_700_000_000_000;

/** The manifest of a test federation: every agent its own organisation, thirds everywhere. */
export function testManifest(
  identities: readonly Identity[],
  coordinatorSeed: Uint8Array,
  change: Partial<Manifest> = {},
): Manifest {
  return {
    federationId: 'test',
    version: 1,
    notBefore: START_MS / 1000,
    notAfter: START_MS / 1000 + 365 * 86_400,
    agents: identities.map(({ spki }, i) => ({
      agentId: `spiffe://test/region/r/bu/${String(i).padStart(3, '0')}`,
      organisation: `org-${i}`,
      identityKeyHash: sha256(spki),
    })),
    coordinatorKeys: [ed25519.publicKey(coordinatorSeed)],
    gammaNum: 1,
    gammaDen: 3,
    deltaNum: 1,
    deltaDen: 3,
    floors: { nMin: 3, shareVariance: 1 },
    kem: 'ml-kem-768',
    bundlesInStock: 4,
    slotsPerEpoch: 256,
    ...change,
  };
}
