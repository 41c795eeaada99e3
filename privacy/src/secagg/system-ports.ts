import { ed25519 } from '../crypto/ed25519.ts';
import { verifyIdentity } from '../crypto/identity.ts';
import { mlKem768 } from '../crypto/ml-kem.ts';
import { systemRandom } from '../crypto/random.ts';
import type { Codec, Ports } from './port.ts';

/** The production ports: Node's cryptography and the operating system's randomness. */
export function systemPorts(codec: Codec): Ports {
  return { codec, signer: ed25519, kem: mlKem768, verifyIdentity, randomBytes: systemRandom };
}
