import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';

const SALT_BYTES = 32;

/**
 * Whether an identity key (DER SubjectPublicKeyInfo) signed the message: Ed25519, ECDSA P-256
 * (SHA-256, DER) or RSA-PSS (SHA-256, salt 32). SECAGG.md section 3. False for any other key.
 */
export function verifyIdentity(check: {
  spki: Uint8Array;
  message: Uint8Array;
  signature: Uint8Array;
}): boolean {
  try {
    const der = Buffer.from(check.spki);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    const scheme = schemeOf(key);
    if (!scheme) return false;
    return verify(scheme.digest, check.message, { key, ...scheme.options }, check.signature);
  } catch {
    return false;
  }
}

/** An identity from a private key in PEM or DER (PKCS8). Throws on a key of another kind. */
export function identityFromPrivateKey(pkcs8: string | Uint8Array): {
  spki: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
} {
  const key =
    typeof pkcs8 === 'string'
      ? createPrivateKey(pkcs8)
      : createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  const scheme = schemeOf(key);
  if (!scheme) throw new Error(`identity key of kind ${key.asymmetricKeyType}`);
  return {
    spki: new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' })),
    sign: (message) => new Uint8Array(sign(scheme.digest, message, { key, ...scheme.options })),
  };
}

function schemeOf(key: KeyObject): { digest: string | null; options: object } | undefined {
  const kind = key.asymmetricKeyType;
  if (kind === 'ed25519') return { digest: null, options: {} };
  if (kind === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    return { digest: 'sha256', options: { dsaEncoding: 'der' } };
  }
  if (kind === 'rsa' || kind === 'rsa-pss') {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return { digest: 'sha256', options: { padding, saltLength: SALT_BYTES } };
  }
  return undefined;
}
