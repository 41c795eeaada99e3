import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { MessageOf, MessageType } from '@tacit/privacy/secagg/message.ts';
import type { Codec } from '@tacit/privacy/secagg/port.ts';
import protobuf from 'protobufjs';

/**
 * The protocol's messages as protobuf (`secagg.proto`). A body that does not parse, lacks a nested
 * message or holds an unsafe integer is refused as `message-malformed`; it never throws.
 */
export function createCodec(): Codec {
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
  const root = protobuf.loadSync(join(folder, 'tacit', 'v1', 'secagg.proto'));
  const types = new Map<string, protobuf.Type>();
  const typeOf = (name: string): protobuf.Type => {
    const known = types.get(name) ?? root.lookupType(`tacit.v1.${name}`);
    types.set(name, known);
    return known;
  };
  return {
    // Copied: protobufjs writes into a pool, and one kept message would keep 64 KB of it.
    encode: (name, value) =>
      new Uint8Array(
        typeOf(name)
          .encode(value as object)
          .finish(),
      ),
    decode: (name, bytes) => decode(typeOf(name), name, bytes),
  };
}

const asPlainObject: protobuf.IConversionOptions = {
  defaults: true,
  arrays: true,
  objects: true,
  longs: Number,
};

function decode<T extends MessageType>(
  type: protobuf.Type,
  name: T,
  bytes: Uint8Array,
): MessageOf[T] | Refusal {
  try {
    // The plain Reader gives Uint8Array views; the Buffer one gives Buffers, whose slice() aliases.
    const message = type.decode(new protobuf.Reader(plain(bytes)));
    const value = type.toObject(message, asPlainObject);
    return sound(value) ? (value as MessageOf[T]) : refuse('message-malformed', { type: name });
  } catch {
    return refuse('message-malformed', { type: name });
  }
}

/** No missing nested message and no integer beyond 2^53 anywhere. */
function sound(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === 'number') return Number.isFinite(value) && Math.abs(value) <= 2 ** 53;
  if (value instanceof Uint8Array || typeof value !== 'object') return true;
  return Object.values(value).every(sound);
}

function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
