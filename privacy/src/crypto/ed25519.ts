import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { concat, fromHex, hex } from './bytes.ts';

const PKCS8 = fromHex('302e020100300506032b657004220420');
const SPKI = fromHex('302a300506032b6570032100');
const CACHED_KEYS_MAX = 4096;

/** Ed25519 (RFC 8032) by Node: the production `Signer` of the secure aggregation. */
export const ed25519 = {
  publicKey(seed: Uint8Array): Uint8Array {
    const spki = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' });
    return new Uint8Array(spki.subarray(SPKI.length));
  },

  sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
    return new Uint8Array(sign(null, message, privateKeyOf(seed)));
  },

  verify(check: { publicKey: Uint8Array; message: Uint8Array; signature: Uint8Array }): boolean {
    if (check.publicKey.length !== 32 || check.signature.length !== 64) return false;
    try {
      return verify(null, check.message, publicKeyOf(check.publicKey), check.signature);
    } catch {
      return false;
    }
  },
};

// Parsing a key costs a third of a verification; peers' keys stay the same for a whole epoch.
const publicKeys = new Map<string, KeyObject>();
const privateKeys = new WeakMap<Uint8Array, KeyObject>();

function publicKeyOf(raw: Uint8Array): KeyObject {
  const id = hex(raw);
  let key = publicKeys.get(id);
  if (!key) {
    const der = Buffer.from(concat(SPKI, raw));
    key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    if (publicKeys.size >= CACHED_KEYS_MAX) publicKeys.clear();
    publicKeys.set(id, key);
  }
  return key;
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  let key = privateKeys.get(seed);
  if (!key) {
    if (seed.length !== 32) throw new RangeError(`Ed25519 seed of ${seed.length} bytes`);
    const der = Buffer.from(concat(PKCS8, seed));
    key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    privateKeys.set(seed, key);
  }
  return key;
}
