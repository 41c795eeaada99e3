import type { Refusal } from '../refusal.ts';
import type { MessageOf, MessageType } from './message.ts';

/**
 * Messages to bytes and back. `decode` refuses what does not parse; lengths of fields are checked
 * by the machines, which know n. Decoding what `encode` wrote gives the same value.
 */
export interface Codec {
  encode<T extends MessageType>(type: T, value: MessageOf[T]): Uint8Array;
  decode<T extends MessageType>(type: T, bytes: Uint8Array): MessageOf[T] | Refusal;
}

/** Ed25519 (RFC 8032). A private key is its 32-byte seed. */
export interface Signer {
  publicKey(seed: Uint8Array): Uint8Array;
  sign(seed: Uint8Array, message: Uint8Array): Uint8Array;
  /** False for a bad signature and for a malformed key alike. */
  verify(check: { publicKey: Uint8Array; message: Uint8Array; signature: Uint8Array }): boolean;
}

/** ML-KEM-768 (FIPS 203). Public key 1184 bytes, ciphertext 1088, shared key 32. */
export interface Kem {
  generate(): { publicKey: Uint8Array; privateKey: Uint8Array };
  encapsulate(publicKey: Uint8Array): { sharedKey: Uint8Array; ciphertext: Uint8Array };
  /** Never throws on a tampered ciphertext: it yields another key (implicit rejection). */
  decapsulate(privateKey: Uint8Array, ciphertext: Uint8Array): Uint8Array;
}

/** The agent's long-lived key, which its certificate holds and the manifest pins. */
export interface Identity {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** Verifies a signature of an identity key: Ed25519, ECDSA (SHA-256, DER) or RSA-PSS. */
export type VerifyIdentity = (check: {
  spki: Uint8Array;
  message: Uint8Array;
  signature: Uint8Array;
}) => boolean;

/** Fresh bytes of the operating system's generator. */
export type RandomBytes = (length: number) => Uint8Array;

/** What both machines are given. */
export interface Ports {
  readonly codec: Codec;
  readonly signer: Signer;
  readonly kem: Kem;
  readonly verifyIdentity: VerifyIdentity;
  readonly randomBytes: RandomBytes;
}
