import { createCipheriv } from 'node:crypto';

const PIECE_BYTES = 65_536;
const ZEROS = new Uint8Array(PIECE_BYTES);
const COUNTER = new Uint8Array(16);

/** The least a mask can cost: OpenSSL's AES-256-CTR keystream of its bytes, drawn and dropped. */
export function drawKeystream(key: Uint8Array, bytes: number): void {
  const cipher = createCipheriv('aes-256-ctr', key, COUNTER);
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    cipher.update(ZEROS.subarray(0, Math.min(PIECE_BYTES, bytes - at)));
  }
}

/** `count` different keys of 32 bytes. */
export function keysOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => new Uint8Array(32).fill(i + 1));
}
