import type { Envelope } from '@tacit/privacy/secagg/message.ts';
import { type Delivery, read } from '@tacit/privacy/secagg/testing/federation.ts';
import { createCodec } from '@tacit/proto/wire/codec.ts';
import { chunkBytesMax, federationService } from '@tacit/proto/wire/service.ts';

/** Bytes of an agent's gRPC messages, by manifest position; without HTTP/2 headers and TLS. */
export class WireTraffic {
  readonly up: number[];
  readonly down: number[];

  constructor(n: number) {
    this.up = new Array<number>(n).fill(0);
    this.down = new Array<number>(n).fill(0);
  }

  /** Counts what the federation in memory delivers as the bytes it would have been. */
  add({ to, event }: Delivery): void {
    if (to === 'coordinator') {
      if (event.kind === 'message') this.up[event.member]! += envelopeBytes(event.envelope);
      if (event.kind !== 'uploaded') return;
      for (const { member, envelope, body } of event.uploads) {
        this.up[member]! += uploadBytes(envelope, body);
      }
      return;
    }
    if (event.kind === 'message') this.down[to]! += envelopeBytes(event.envelope);
    if (event.kind === 'accepted') {
      const acceptance = { sig: event.acceptanceSig, refused: '', fact: '' };
      this.down[to]! += framed(upload.responseSerialize(acceptance));
    }
  }
}

const codec = createCodec();
const session = federationService.definition.Session!;
const upload = federationService.definition.UploadContribution!;
const FRAME_BYTES = 5;

function envelopeBytes(envelope: Envelope): number {
  return framed(session.requestSerialize(onWire(envelope)));
}

function uploadBytes(envelope: Envelope, body: Uint8Array): number {
  let bytes = framed(upload.requestSerialize({ header: onWire(envelope) }));
  for (let at = 0; at < body.length; at += chunkBytesMax) {
    bytes += framed(upload.requestSerialize({ data: body.subarray(at, at + chunkBytesMax) }));
  }
  return bytes;
}

/** In memory messages are packed records; signatures have the same length over either. */
function onWire(envelope: Envelope): Envelope {
  const { type, body } = envelope;
  return { ...envelope, body: codec.encode(type, read(type, body)) };
}

function framed(message: Uint8Array): number {
  return FRAME_BYTES + message.length;
}
