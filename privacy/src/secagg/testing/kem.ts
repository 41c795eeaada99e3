import { concat } from '../../crypto/bytes.ts';
import { H } from '../../crypto/hash.ts';
import { ML_KEM_CIPHERTEXT_BYTES, ML_KEM_PUBLIC_KEY_BYTES } from '../../crypto/ml-kem.ts';
import { Prg } from '../../crypto/prg.ts';
import type { Kem, RandomBytes } from '../port.ts';

/**
 * The seeded twin of ML-KEM: right sizes and implicit rejection, no secrecy at all. Node cannot
 * seed the real encapsulation, so reproducible runs use this one.
 */
export function seededKem(randomBytes: RandomBytes): Kem {
  return {
    generate() {
      const privateKey = randomBytes(32);
      return { privateKey, publicKey: publicKeyOf(privateKey) };
    },
    encapsulate(publicKey) {
      const nonce = randomBytes(ML_KEM_CIPHERTEXT_BYTES);
      return { ciphertext: nonce, sharedKey: H('toy-kem', publicKey, nonce) };
    },
    decapsulate: (privateKey, ciphertext) =>
      H('toy-kem', publicKeyOf(privateKey), concat(ciphertext)),
  };
}

function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  return new Prg(H('toy-kem-pk', privateKey)).bytes(ML_KEM_PUBLIC_KEY_BYTES);
}
