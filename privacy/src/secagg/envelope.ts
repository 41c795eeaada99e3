import { isRefusal } from '../refusal.ts';
import type { Envelope, MessageOf, MessageType, Signed } from './message.ts';
import type { Codec, Ports, Signer } from './port.ts';
import { wellShaped } from './shape.ts';
import { messageStatement } from './statement.ts';

/** An envelope with the ordinary signature over `H("msg", type, body)`. */
export function signEnvelope<T extends MessageType>(
  ports: Pick<Ports, 'codec' | 'signer'>,
  { type, value, seed, sender }: { type: T; value: MessageOf[T]; seed: Uint8Array; sender: number },
): Envelope {
  const body = ports.codec.encode(type, value);
  return { type, body, sig: ports.signer.sign(seed, messageStatement(type, body)), sender };
}

/** Whether one of the keys made the ordinary signature. */
export function signedByAny(
  signer: Signer,
  keys: readonly Uint8Array[],
  message: Pick<Envelope, 'type' | 'body' | 'sig'>,
): boolean {
  const statement = messageStatement(message.type, message.body);
  return keys.some((publicKey) =>
    signer.verify({ publicKey, message: statement, signature: message.sig }),
  );
}

/** The decoded message, or undefined when it does not parse or a field has a wrong length. */
export function readMessage<T extends MessageType>(
  codec: Codec,
  { type, body }: { type: T; body: Uint8Array },
  n: number,
): MessageOf[T] | undefined {
  const message = codec.decode(type, body);
  return isRefusal(message) || !wellShaped(type, message, n) ? undefined : message;
}

/** What a relay keeps of an envelope. */
export function signedPart({ body, sig }: Envelope): Signed {
  return { body, sig };
}
