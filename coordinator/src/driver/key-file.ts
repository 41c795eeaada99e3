import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Secret } from '@tacit/privacy/secret.ts';

/** A fresh Ed25519 key as PKCS #8 PEM. */
export function newEd25519Pem(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** The 32-byte seed of an Ed25519 key file (PKCS #8 PEM). Throws when it holds another key. */
export function ed25519SeedOf(file: string): Secret {
  const key = createPrivateKey(readFileSync(file));
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${file} holds no Ed25519 key`);
  const { d } = key.export({ format: 'jwk' });
  return new Secret(new Uint8Array(Buffer.from(d as string, 'base64url')));
}
