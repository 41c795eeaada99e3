import { randomInt } from 'node:crypto';
import type { ClientWritableStream, ServiceError } from '@grpc/grpc-js';
import { type ClientDuplexStream, type ClientReadableStream, credentials } from '@grpc/grpc-js';
import {
  chunkBytesMax,
  federationService,
  messageBytesMax,
  type WireAcceptance,
  type WireEnvelope,
  type WireModelVersion,
  type WireUploadChunk,
} from '@tacit/proto/wire/service.ts';
import type { CoordinatorLink, LinkOptions } from '../driver/port.ts';

type SessionStream = ClientDuplexStream<WireEnvelope, WireEnvelope>;

/** Opens the link and keeps the session open, waiting longer after each failure. */
export function openLink(options: LinkOptions): CoordinatorLink {
  const client = newClient(options);
  let session: SessionStream | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let waitMs = options.reconnectMs.first;

  const connect = () => {
    const stream = client.Session() as SessionStream;
    let ended = false;
    stream.on('metadata', () => {
      session = stream;
      waitMs = options.reconnectMs.first;
      options.onUp();
    });
    stream.on('data', options.onEnvelope);
    stream.on('error', (error: ServiceError) => down(error.code, error.details));
    stream.on('end', () => down(14, 'the coordinator ended the session'));
    const down = (status: number, detail: string) => {
      if (ended || closed) return;
      ended = true;
      session = undefined;
      const retryInMs = waitMs + randomInt(Math.max(1, Math.floor(waitMs / 4)));
      waitMs = Math.min(waitMs * 2, options.reconnectMs.most);
      options.onDown(status, detail, retryInMs);
      timer = setTimeout(connect, retryInMs);
    };
  };
  connect();

  return {
    send: (envelope) => void session?.write(envelope),
    upload: (header, body) => upload(client, header, body),
    blob: (hash) => collect(client.GetBlob({ hash })),
    modelVersion: (runId, modelHash) =>
      unary<WireModelVersion>(client, 'GetModelVersion', { runId, modelHash }),
    runIsOver: async (runId) =>
      (await unary<{ over: boolean }>(client, 'GetRunStatus', { runId })).over,
    close: () => {
      closed = true;
      clearTimeout(timer);
      session?.cancel();
      client.close();
    },
  };
}

type FederationClient = InstanceType<typeof federationService.client>;

function newClient(options: LinkOptions): FederationClient {
  const secure = credentials.createSsl(
    Buffer.from(options.authorityPem),
    Buffer.from(options.privateKeyPem),
    Buffer.from(options.certificatePem),
  );
  return new federationService.client(options.target, secure, {
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.enable_retries': 0,
    'grpc.initial_reconnect_backoff_ms': options.reconnectMs.first,
    'grpc.max_reconnect_backoff_ms': options.reconnectMs.most,
  });
}

async function upload(
  client: FederationClient,
  header: WireEnvelope,
  body: Uint8Array,
): Promise<WireAcceptance> {
  let stream: ClientWritableStream<WireUploadChunk> | undefined;
  const answer = new Promise<WireAcceptance>((resolve, reject) => {
    stream = client.UploadContribution((error: ServiceError | null, value?: WireAcceptance) => {
      if (error || !value) reject(error ?? new Error('no answer'));
      else resolve(value);
    }) as ClientWritableStream<WireUploadChunk>;
    stream.on('error', reject);
  });
  // The stream may fail while chunks are still being written; the answer carries that failure.
  answer.catch(() => {});
  stream!.write({ header });
  for (let start = 0; start < body.length && !stream!.destroyed; start += chunkBytesMax) {
    const ready = stream!.write({ data: body.subarray(start, start + chunkBytesMax) });
    if (!ready) await Promise.race([drained(stream!), answer]);
  }
  stream!.end();
  return answer;
}

function drained(stream: ClientWritableStream<WireUploadChunk>): Promise<void> {
  return new Promise((resolve) => stream.once('drain', resolve));
}

function collect(stream: ClientReadableStream<{ data: Uint8Array }>): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    stream.on('data', (chunk) => parts.push(chunk.data));
    stream.on('error', reject);
    stream.on('end', () => resolve(new Uint8Array(Buffer.concat(parts))));
  });
}

function unary<Answer>(
  client: FederationClient,
  method: 'GetModelVersion' | 'GetRunStatus',
  request: object,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    client[method](request, (error: ServiceError | null, value?: Answer) => {
      if (error || value === undefined) reject(error ?? new Error('no answer'));
      else resolve(value);
    });
  });
}
