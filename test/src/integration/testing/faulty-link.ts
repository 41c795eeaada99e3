import { credentials, type ServiceError } from '@grpc/grpc-js';
import { codedRefusal } from '@tacit/client-agent/driver/driver.ts';
import type { CoordinatorLink, LinkOptions } from '@tacit/client-agent/driver/port.ts';
import { openLink } from '@tacit/client-agent/grpc/link.ts';
import { concat, hex, utf8 } from '@tacit/privacy/crypto/bytes.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { membersOf } from '@tacit/privacy/secagg/bitmap.ts';
import type { MessageOf, MessageType } from '@tacit/privacy/secagg/message.ts';
import { headerOf } from '@tacit/privacy/secagg/statement.ts';
import { createCodec } from '@tacit/proto/wire/codec.ts';
import { federationService, type WireEnvelope } from '@tacit/proto/wire/service.ts';
import { dieAt, takeFault } from './fault.ts';
import { plantedId } from './planted.ts';
import { writeRecord } from './record.ts';

const codec = createCodec();

/** The real link, which also records uploads and released sums, and dies where a test asks. */
export function faultyLink(folder: string, options: LinkOptions): CoordinatorLink {
  const link = openLink({
    ...options,
    onEnvelope: (envelope) => {
      if (envelope.type === 'RoundResult') recordResult(folder, envelope);
      options.onEnvelope(envelope);
    },
  });
  return {
    ...link,
    send: (envelope) => {
      if (envelope.type === 'Ack') dieAt(folder, 'before-ack');
      if (envelope.type === 'Reveal') dieAt(folder, 'before-reveal');
      link.send(envelope);
      if (!takeFault(folder, 'leak')) return;
      link.send({ ...envelope, body: utf8(plantedId(0)) });
      process.stderr.write(`sent ${plantedId(0)}\n`);
    },
    upload: async (header, body) => {
      dieAt(folder, 'before-upload');
      const upload = decoded('Upload', header);
      const transcript = hex(upload.transcript);
      writeRecord(folder, { kind: 'uploading', hdr: hex(headerOf(upload)), transcript });
      if (takeFault(folder, 'mid-upload')) await dieHalfway(options, header, body);
      await abuse(folder, link, { header, body });
      const acceptance = await link.upload(header, body);
      dieAt(folder, 'after-upload');
      return acceptance;
    },
  };
}

function recordResult(folder: string, envelope: WireEnvelope): void {
  const { slot, transcript, survivors, sum } = decoded('RoundResult', envelope);
  writeRecord(folder, {
    kind: 'released',
    slot,
    transcript: hex(transcript),
    survivors: membersOf(survivors, 8 * survivors.length) ?? [],
    sum: hex(sum),
  });
}

/** Sends the header and half of the vector on a call of its own, then dies as by `kill -9`. */
async function dieHalfway(options: LinkOptions, header: WireEnvelope, body: Uint8Array) {
  const secure = credentials.createSsl(
    Buffer.from(options.authorityPem),
    Buffer.from(options.privateKeyPem),
    Buffer.from(options.certificatePem),
  );
  const client = new federationService.client(options.target, secure);
  const stream = client.UploadContribution(() => undefined);
  stream.write({ header });
  await new Promise((sent) => stream.write({ data: body.subarray(0, body.length / 2) }, sent));
  // The write is done when the transport took it; give the bytes time to be on their way.
  await new Promise((done) => setTimeout(done, 100));
  process.kill(process.pid, 'SIGKILL');
}

function decoded<T extends MessageType>(type: T, { body }: WireEnvelope): MessageOf[T] {
  const message = codec.decode(type, new Uint8Array(body));
  if (isRefusal(message)) throw new Error(`${type} does not parse`);
  return message;
}

interface UploadParts {
  readonly header: WireEnvelope;
  readonly body: Uint8Array;
}

/** The upload that was abused last: too late in every slot behind its own. */
let stale: UploadParts | undefined;

/** Sends one upload wrong in every way, then right, so that the caller's own is the second one. */
async function abuse(folder: string, link: CoordinatorLink, upload: UploadParts): Promise<void> {
  const answer = async (name: string, { header, body }: UploadParts) => {
    const answered = await link.upload(header, body).then(
      ({ refused }) => refused || 'accepted',
      (error) => codedRefusal(error)?.refused ?? `status ${(error as ServiceError).code}`,
    );
    writeRecord(folder, { kind: 'answered', upload: name, answer: answered });
  };
  if (stale) await answer('late', stale);
  stale = undefined;
  if (!takeFault(folder, 'abuse')) return;
  const { header, body } = upload;
  await answer('no vector', { header, body: body.subarray(0, 0) });
  await answer('a word short', { header, body: body.subarray(4) });
  await answer('a word long', { header, body: concat(body, body.subarray(0, 4)) });
  await answer('another vector', { header, body: body.toReversed() });
  await answer('garbage header', { header: { ...header, body: body.subarray(0, 99) }, body });
  await answer('another type', { header: { ...header, type: 'Ack' }, body });
  await answer('another signature', { header: { ...header, sig: new Uint8Array(64) }, body });
  await answer('right', upload);
  stale = upload;
}
