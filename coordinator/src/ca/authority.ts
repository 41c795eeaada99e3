import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** A certificate with the private key that belongs to it, both PEM. */
export interface KeyedCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** Validity of a certificate, in milliseconds since 1970. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
x509.cryptoProvider.set(webcrypto as never);

/** A new certificate authority of one federation. Its key never leaves the coordinator's host. */
export async function createAuthority(
  federationId: string,
  validity: Validity,
): Promise<KeyedCertificate> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...dates(validity),
    serialNumber: serial(),
    name: `CN=${federationId} authority`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
    ],
  });
  return { certificatePem: certificate.toString('pem'), privateKeyPem: await pem(keys.privateKey) };
}

/** A certificate for the key of a signing request. Only the key is taken from the request. */
export async function issueFromRequest(options: {
  authority: KeyedCertificate;
  requestPem: string;
  uri: string;
  validity: Validity;
}): Promise<string> {
  const request = new x509.Pkcs10CertificateRequest(options.requestPem);
  if (!(await request.verify())) throw new Error('the signing request does not verify');
  return issue({ ...options, publicKey: request.publicKey, alternativeNames: [] });
}

/** A key and a certificate for a host that the authority serves itself: coordinator or operator. */
export async function issueKeyed(options: {
  authority: KeyedCertificate;
  uri: string;
  hosts: readonly string[];
  validity: Validity;
}): Promise<KeyedCertificate> {
  const keys = await newKeys();
  const alternativeNames = options.hosts.map((host) => ({
    type: /^[\d.]+$|:/.test(host) ? ('ip' as const) : ('dns' as const),
    value: host,
  }));
  const certificatePem = await issue({ ...options, publicKey: keys.publicKey, alternativeNames });
  return { certificatePem, privateKeyPem: await pem(keys.privateKey) };
}

async function issue(options: {
  authority: KeyedCertificate;
  publicKey: x509.PublicKeyType;
  uri: string;
  alternativeNames: { type: 'ip' | 'dns'; value: string }[];
  validity: Validity;
}): Promise<string> {
  const { authority, uri, validity } = options;
  const signingKey = await privateKey(authority.privateKeyPem);
  const certificate = await x509.X509CertificateGenerator.create({
    ...dates(validity),
    serialNumber: serial(),
    subject: `CN=${uri.split('/').at(-1)}`,
    issuer: new x509.X509Certificate(authority.certificatePem).subject,
    publicKey: options.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.clientAuth,
        ...(options.alternativeNames.length > 0 ? [x509.ExtendedKeyUsage.serverAuth] : []),
      ]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: uri },
        ...options.alternativeNames,
      ]),
    ],
  });
  return certificate.toString('pem');
}

/** The identities a certificate can carry (ARCHITECTURE.md section 7). */
export const spiffe = {
  agent: (federationId: string, region: string, bu: string) =>
    `spiffe://${federationId}/region/${region}/bu/${bu}`,
  coordinator: (federationId: string) => `spiffe://${federationId}/coordinator`,
  operator: (federationId: string, name: string) => `spiffe://${federationId}/operator/${name}`,
};

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ]) as Promise<webcrypto.CryptoKeyPair>;
}

async function pem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

async function privateKey(text: string): Promise<webcrypto.CryptoKey> {
  const der = x509.PemConverter.decodeFirst(text);
  return await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

function dates(validity: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(validity.notBeforeMs), notAfter: new Date(validity.notAfterMs) };
}

function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] &= 0x7f;
  return Buffer.from(bytes).toString('hex');
}
