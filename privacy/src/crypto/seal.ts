import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat } from './bytes.ts';

const NONCE = new Uint8Array(12);
const TAG_BYTES = 16;

/** A 32-byte key, what is authenticated beside the text, and the text to seal or open. */
export interface SealInput {
  readonly key: Uint8Array;
  readonly aad: Uint8Array;
  readonly text: Uint8Array;
}

/**
 * `SEAL(key, aad, pt)` of SECAGG.md section 2: AES-256-GCM under the zero nonce with the 16-byte
 * tag appended. The nonce is fixed, so one key seals one message, ever.
 */
export function seal({ key, aad, text }: SealInput): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG_BYTES });
  cipher.setAAD(aad);
  return concat(cipher.update(text), cipher.final(), cipher.getAuthTag());
}

/** The plaintext, or undefined when key, aad, text or tag do not belong together. */
export function unseal({ key, aad, text }: SealInput): Uint8Array | undefined {
  if (text.length < TAG_BYTES) return undefined;
  const split = text.length - TAG_BYTES;
  // Without authTagLength Node would accept a tag cut to four bytes.
  const decipher = createDecipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(text.subarray(split));
  const plain = decipher.update(text.subarray(0, split));
  try {
    return concat(plain, decipher.final());
  } catch {
    return undefined;
  }
}
