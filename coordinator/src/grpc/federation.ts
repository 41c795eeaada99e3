import { createHash } from 'node:crypto';
import {
  Metadata,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { problemOf } from '@tacit/proto/problem.ts';
import {
  chunkBytesMax,
  type WireAcceptance,
  type WireEnvelope,
  type WireModelVersion,
  type WireUploadChunk,
} from '@tacit/proto/wire/service.ts';
import type { AgentSession, CompleteUpload, FederationHandlers } from '../driver/port.ts';
import { callerOf } from './identity.ts';

/** The service agents call. It parses and queues; the driver acts. */
export function federationImplementation(
  handlers: FederationHandlers,
): UntypedServiceImplementation {
  return {
    Session: (call: ServerDuplexStream<WireEnvelope, WireEnvelope>) => session(call, handlers),
    UploadContribution: (
      call: ServerReadableStream<WireUploadChunk, WireAcceptance>,
      answer: sendUnaryData<WireAcceptance>,
    ) => receiveUpload(call, handlers, answer),
    GetBlob: (call: ServerWritableStream<{ hash: Uint8Array }, { data: Uint8Array }>) => {
      const caller = callerOf(call);
      const bytes = isRefusal(caller) ? caller : handlers.blob(caller, call.request.hash);
      streamBlob(call, bytes);
    },
    GetRunStatus: (
      call: ServerUnaryCall<{ runId: string }, { over: boolean }>,
      answer: sendUnaryData<{ over: boolean }>,
    ) => {
      const caller = callerOf(call);
      const over = isRefusal(caller) ? caller : handlers.runIsOver(caller, call.request.runId);
      if (isRefusal(over)) answer(serviceError(over));
      else answer(null, { over });
    },
    GetModelVersion: (
      call: ServerUnaryCall<{ runId: string; modelHash: Uint8Array }, WireModelVersion>,
      answer: sendUnaryData<WireModelVersion>,
    ) => {
      const caller = callerOf(call);
      const version = isRefusal(caller) ? caller : handlers.modelVersion(caller, call.request);
      if (isRefusal(version)) answer(serviceError(version));
      else answer(null, version);
    },
  };
}

function session(
  call: ServerDuplexStream<WireEnvelope, WireEnvelope>,
  handlers: FederationHandlers,
): void {
  const caller = callerOf(call);
  if (isRefusal(caller)) return endWith(call, caller);
  const opened: AgentSession = {
    send: (envelope) => void call.write(envelope),
    end: () => call.end(),
  };
  const refused = handlers.opened(caller, opened);
  if (refused) return endWith(call, refused);
  // The agent takes the metadata as the sign that its session stands.
  call.sendMetadata(new Metadata());
  let over = false;
  const close = () => {
    if (over) return;
    over = true;
    handlers.closed(caller, opened);
    call.end();
  };
  call.on('data', (envelope) => handlers.received(caller, envelope));
  call.on('end', close);
  call.on('cancelled', close);
  call.on('error', close);
}

function receiveUpload(
  call: ServerReadableStream<WireUploadChunk, WireAcceptance>,
  handlers: FederationHandlers,
  answer: sendUnaryData<WireAcceptance>,
): void {
  const caller = callerOf(call);
  if (isRefusal(caller)) {
    answer(serviceError(caller));
    return;
  }
  let receiving: Receiving | undefined;
  let answered = false;
  const reject = (refusal: Refusal) => {
    if (answered) return;
    answered = true;
    receiving = undefined;
    answer(serviceError(refusal));
  };
  call.on('data', (chunk) => {
    if (answered) return;
    if (!receiving) {
      const begun = begin(chunk, (header) => handlers.uploadBytes(caller, header));
      if (isRefusal(begun)) return reject(begun);
      receiving = begun;
      return;
    }
    const refused = append(receiving, chunk);
    if (refused) reject(refused);
  });
  call.on('error', () => {
    answered = true;
    receiving = undefined;
  });
  call.on('end', () => {
    if (answered) return;
    const upload = receiving
      ? complete(receiving)
      : refuse('upload-malformed', { reason: 'empty' });
    if (isRefusal(upload)) return reject(upload);
    answered = true;
    handlers.uploaded(caller, upload).then(
      (acceptance) => answer(null, acceptance),
      (error: Error) => answer(serviceError(refuse('internal', { message: error.message }))),
    );
  });
}

interface Receiving {
  readonly header: WireEnvelope;
  readonly body: Uint8Array;
  readonly hash: ReturnType<typeof createHash>;
  received: number;
}

function begin(
  chunk: WireUploadChunk,
  expect: (header: WireEnvelope) => number | Refusal,
): Receiving | Refusal {
  if (!chunk.header) return refuse('upload-malformed', { reason: 'the first part is no header' });
  const bytes = expect(chunk.header);
  if (isRefusal(bytes)) return bytes;
  return {
    header: chunk.header,
    body: new Uint8Array(bytes),
    hash: createHash('sha256'),
    received: 0,
  };
}

function append(receiving: Receiving, chunk: WireUploadChunk): Refusal | undefined {
  const { data } = chunk;
  if (!data || data.length === 0) return refuse('upload-malformed', { reason: 'a second header' });
  const bytes = receiving.received + data.length;
  if (data.length > chunkBytesMax || bytes > receiving.body.length) {
    return refuse('upload-malformed', { reason: 'too long', bytesMax: receiving.body.length });
  }
  receiving.body.set(data, receiving.received);
  receiving.hash.update(data);
  receiving.received = bytes;
  return undefined;
}

function complete(receiving: Receiving): CompleteUpload | Refusal {
  const { header, body, hash, received } = receiving;
  if (received !== body.length) {
    return refuse('upload-malformed', { reason: 'short', bytes: received, expected: body.length });
  }
  return { header, body, bodyHash: hash.digest() };
}

/** Streams content-addressed bytes in chunks, or ends the call with the refusal. */
export function streamBlob(
  call: ServerWritableStream<{ hash: Uint8Array }, { data: Uint8Array }>,
  bytes: Uint8Array | Refusal,
): void {
  if (isRefusal(bytes)) return endWith(call, bytes);
  for (let start = 0; start < bytes.length; start += chunkBytesMax) {
    call.write({ data: bytes.subarray(start, start + chunkBytesMax) });
  }
  call.end();
}

/**
 * Ends a streaming call with a refusal as its status. The transport listens for the event; a stream
 * that is destroyed instead never sends a status, and its caller waits for ever.
 */
export function endWith(
  call: Pick<ServerWritableStream<unknown, unknown>, 'emit'>,
  refusal: Refusal,
): void {
  call.emit('error', serviceError(refusal));
}

/** A refusal as a gRPC status: the code and facts travel as JSON in the details. */
export function serviceError(refusal: Refusal): ServiceError {
  const error = new Error(refusal.refused) as ServiceError;
  error.code = problemOf(refusal).grpcStatus;
  error.details = JSON.stringify(refusal);
  return error;
}
