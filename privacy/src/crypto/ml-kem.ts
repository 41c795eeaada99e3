import {
  createPrivateKey,
  createPublicKey,
  decapsulate,
  encapsulate,
  generateKeyPairSync,
} from 'node:crypto';
import { concat } from './bytes.ts';

/** Length of an encapsulation key (FIPS 203, table 3). */
export const ML_KEM_PUBLIC_KEY_BYTES = 1184;
/** Length of a ciphertext (FIPS 203, table 3). */
export const ML_KEM_CIPHERTEXT_BYTES = 1088;

/** ML-KEM-768 (FIPS 203) by Node 24.7 or later: the production `Kem`. Private keys are PKCS8. */
export const mlKem768 = {
  generate(): { publicKey: Uint8Array; privateKey: Uint8Array } {
    const pair = generateKeyPairSync('ml-kem-768');
    const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
    const pkcs8 = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
    return {
      publicKey: new Uint8Array(spki.subarray(spki.length - ML_KEM_PUBLIC_KEY_BYTES)),
      privateKey: new Uint8Array(pkcs8),
    };
  },

  encapsulate(publicKey: Uint8Array): { sharedKey: Uint8Array; ciphertext: Uint8Array } {
    const made = encapsulate(publicObject(publicKey));
    return {
      sharedKey: new Uint8Array(made.sharedKey),
      ciphertext: new Uint8Array(made.ciphertext),
    };
  },

  decapsulate(privateKey: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
    return new Uint8Array(decapsulate(key, ciphertext));
  },
};

let spkiPrefix: Uint8Array | undefined;

function publicObject(raw: Uint8Array) {
  if (raw.length !== ML_KEM_PUBLIC_KEY_BYTES)
    throw new RangeError(`KEM key of ${raw.length} bytes`);
  // Taken from a generated key once, so no hand-written DER can disagree with the library.
  spkiPrefix ??= new Uint8Array(
    generateKeyPairSync('ml-kem-768')
      .publicKey.export({ format: 'der', type: 'spki' })
      .subarray(0, -ML_KEM_PUBLIC_KEY_BYTES),
  );
  const key = Buffer.from(concat(spkiPrefix, raw));
  return createPublicKey({ key, format: 'der', type: 'spki' });
}
