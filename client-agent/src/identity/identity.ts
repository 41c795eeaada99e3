import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An agent's identity key: made here, stored with owner-only rights, never sent. */
export interface Identity {
  /** PKCS #8 PEM, ECDSA P-256. */
  readonly privateKeyPem: string;
  /** SHA-256 of the public key (SPKI DER): what the manifest pins. */
  readonly publicKeyHash: Uint8Array;
}

/** The identity in a folder, created at the first call. */
export function ensureIdentity(folder: string): Identity {
  const file = join(folder, 'identity.key');
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const text = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  }
  const privateKeyPem = readFileSync(file, 'utf8');
  const spki = createPublicKey(createPrivateKey(privateKeyPem)).export({
    type: 'spki',
    format: 'der',
  });
  return { privateKeyPem, publicKeyHash: createHash('sha256').update(spki).digest() };
}
