import { hash, hkdfSync } from 'node:crypto';
import { concat, lp, utf8 } from './bytes.ts';

/** SHA-256 of the concatenation of all parts: 32 bytes. */
export function sha256(...parts: Uint8Array[]): Uint8Array {
  const whole = parts.length === 1 ? parts[0]! : concat(...parts);
  return new Uint8Array(hash('sha256', whole, 'buffer'));
}

/** `H(label, f1..fm)` of SECAGG.md section 2: every part carries its length, so no two collide. */
export function H(label: string, ...fields: Uint8Array[]): Uint8Array {
  return sha256(lp(labelOf(label)), ...fields.map(lp));
}

/** Input of `KDF`. `ikm` and `salt` may have any length; `fields` default to none. */
export interface KdfInput {
  readonly ikm: Uint8Array;
  readonly salt: Uint8Array;
  readonly label: string;
  readonly fields?: readonly Uint8Array[];
}

/** `KDF(ikm, salt, label, f1..fm)` of SECAGG.md section 2: HKDF-SHA256, 32 bytes. */
export function KDF({ ikm, salt, label, fields = [] }: KdfInput): Uint8Array {
  const info = concat(lp(labelOf(label)), ...fields.map(lp));
  return hkdf({ ikm, salt, info, length: 32 });
}

/** HKDF-SHA256 of RFC 5869; at most 255 * 32 bytes. */
export function hkdf(input: {
  ikm: Uint8Array;
  salt: Uint8Array;
  info: Uint8Array;
  length: number;
}): Uint8Array {
  const { ikm, salt, info, length } = input;
  return new Uint8Array(hkdfSync('sha256', ikm, salt, info, length));
}

const labels = new Map<string, Uint8Array>();

function labelOf(label: string): Uint8Array {
  let bytes = labels.get(label);
  if (!bytes) {
    bytes = utf8(`tacit/v1/${label}`);
    labels.set(label, bytes);
  }
  return bytes;
}
