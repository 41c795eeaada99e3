import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServiceClientConstructor } from '@grpc/grpc-js';
import { loadPackageDefinition, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Envelope, MessageType } from '@tacit/privacy/secagg/message.ts';

/** One message of the protocol as it travels: the exact signed bytes and who sent them. */
export interface WireEnvelope {
  body: Uint8Array;
  sig: Uint8Array;
  /** Position in the manifest; `coordinatorSender` for the coordinator. */
  sender: number;
  type: string;
}

/** The `sender` of envelopes the coordinator makes. */
export const coordinatorSender = 0xffffffff;

/** A part of an upload stream: the header envelope first, then data. */
export interface WireUploadChunk {
  header?: WireEnvelope;
  data?: Uint8Array;
}

/** The answer to an upload: a signature, or a problem code with one fact. */
export interface WireAcceptance {
  sig: Uint8Array;
  refused: string;
  fact: string;
}

/** A coordinator-signed record of one model version; `body` is JSON of `modelVersion`. */
export interface WireModelVersion {
  body: Uint8Array;
  sig: Uint8Array;
}

/** Largest gRPC message either side accepts, bytes: a chunk of 1 MiB with its framing. */
export const messageBytesMax = 2 * 1024 * 1024;

/** Largest data part of an upload chunk, bytes (SECAGG.md section 20). */
export const chunkBytesMax = 1024 * 1024;

/** An envelope as the protocol reads it: plain byte arrays, whose slices are copies. */
export function envelopeOf(wire: WireEnvelope): Envelope {
  const type = wire.type as MessageType;
  return { type, body: plainBytes(wire.body), sig: plainBytes(wire.sig), sender: wire.sender };
}

/** The same bytes in an array of their own: what arrives is a view into a much larger buffer. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

interface LoadedService {
  Federation: ServiceClientConstructor;
  Operations: ServiceClientConstructor;
}

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const loaded = loadPackageDefinition(
  loadSync(join(folder, 'tacit', 'v1', 'federation.proto'), {
    includeDirs: [folder],
    longs: Number,
    bytes: Buffer,
    defaults: true,
    oneofs: true,
  }),
).tacit as unknown as { v1: LoadedService };

/** Client class and definition of the service that agents call. */
export const federationService: {
  client: ServiceClientConstructor;
  definition: ServiceDefinition;
} = { client: loaded.v1.Federation, definition: loaded.v1.Federation.service };

/** Client class and definition of the service that people call. */
export const operationsService: {
  client: ServiceClientConstructor;
  definition: ServiceDefinition;
} = { client: loaded.v1.Operations, definition: loaded.v1.Operations.service };
