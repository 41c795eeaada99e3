import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { concat, fromHex } from './bytes.ts';

const PKCS8 = fromHex('302e020100300506032b656e04220420');
const SPKI = fromHex('302a300506032b656e032100');

/** The X25519 public key of a 32-byte private key (RFC 7748). */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array {
  const spki = createPublicKey(privateObject(privateKey)).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(SPKI.length));
}

/** The shared secret, or undefined when the peer sent a malformed or low-order key. */
export function x25519(privateKey: Uint8Array, peerKey: Uint8Array): Uint8Array | undefined {
  if (peerKey.length !== 32) return undefined;
  const publicKey = createPublicKey({ key: der(SPKI, peerKey), format: 'der', type: 'spki' });
  try {
    return new Uint8Array(diffieHellman({ privateKey: privateObject(privateKey), publicKey }));
  } catch {
    return undefined;
  }
}

function privateObject(key: Uint8Array): KeyObject {
  if (key.length !== 32) throw new RangeError(`private key of ${key.length} bytes`);
  return createPrivateKey({ key: der(PKCS8, key), format: 'der', type: 'pkcs8' });
}

function der(prefix: Uint8Array, key: Uint8Array): Buffer {
  return Buffer.from(concat(prefix, key));
}
