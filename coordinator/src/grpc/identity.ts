import { createHash, X509Certificate } from 'node:crypto';
import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { Caller } from '../driver/port.ts';

type AnyCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerReadableStream<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>;

/** The caller of a gRPC call, or a refusal when the certificate carries no identity. */
export function callerOf(call: AnyCall): Caller | Refusal {
  const raw = call.getAuthContext().sslPeerCertificate?.raw;
  if (!raw) return refuse('identity-unknown', { reason: 'no client certificate' });
  const certificate = new X509Certificate(raw);
  const uris = (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('URI:spiffe://'))
    .map((name) => name.slice('URI:'.length));
  if (uris.length !== 1) return refuse('identity-unknown', { reason: 'no single SPIFFE URI' });
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return { uri: uris[0], publicKeyHash: createHash('sha256').update(spki).digest() };
}

/** Whether the caller is a person or program that operates this federation. */
export function isOperator(caller: Caller, federationId: string): boolean {
  return caller.uri.startsWith(`spiffe://${federationId}/operator/`);
}
