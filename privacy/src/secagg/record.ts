import { utf8 } from '../crypto/bytes.ts';

/** One write of a persist effect; null deletes the key. */
export interface Put {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** What a record may hold. Numbers are doubles; arrays and objects nest. */
export type Recordable =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Recordable[]
  | { readonly [field: string]: Recordable };

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * The bytes of a record at rest: one tag byte for each value, lengths as u32 little-endian. It is
 * read only by the process that wrote it and is never signed or hashed.
 */
export function packRecord(value: unknown): Uint8Array {
  const writer = { bytes: new Uint8Array(256), at: 0 };
  pack(value as Recordable, writer);
  return writer.bytes.slice(0, writer.at);
}

/** Inverse of `packRecord`; throws on bytes it did not write. The caller names the shape. */
export function unpackRecord<T>(bytes: Uint8Array): T {
  const reader = { bytes, at: 0 };
  const value = unpack(reader);
  if (reader.at !== bytes.length) throw new Error('record has bytes left over');
  return value as T;
}

interface Writer {
  bytes: Uint8Array;
  at: number;
}

function pack(value: Recordable, to: Writer): void {
  if (value === null) put(to, 'n', 0);
  else if (typeof value === 'boolean') put(to, value ? 't' : 'f', 0);
  else if (typeof value === 'number') {
    const at = put(to, 'd', 8);
    new DataView(to.bytes.buffer).setFloat64(at, value, true);
  } else if (typeof value === 'string') putBytes(to, 's', utf8(value));
  else if (value instanceof Uint8Array) putBytes(to, 'b', value);
  else if (Array.isArray(value)) {
    putLength(to, 'a', value.length);
    for (const item of value) pack(item, to);
  } else packObject(value as { readonly [field: string]: Recordable }, to);
}

function packObject(value: { readonly [field: string]: Recordable }, to: Writer): void {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  putLength(to, 'o', entries.length);
  for (const [field, item] of entries) {
    putBytes(to, 's', utf8(field));
    pack(item, to);
  }
}

function putBytes(to: Writer, tag: string, bytes: Uint8Array): void {
  putLength(to, tag, bytes.length);
  const at = reserve(to, bytes.length);
  to.bytes.set(bytes, at);
}

function putLength(to: Writer, tag: string, count: number): void {
  const at = put(to, tag, 4);
  new DataView(to.bytes.buffer).setUint32(at, count, true);
}

/** A tag and room for `count` bytes behind it; returns where they start. */
function put(to: Writer, tag: string, count: number): number {
  const at = reserve(to, 1 + count);
  to.bytes[at] = tag.charCodeAt(0);
  return at + 1;
}

function reserve(to: Writer, count: number): number {
  const at = to.at;
  to.at += count;
  if (to.at > to.bytes.length) {
    const grown = new Uint8Array(Math.max(to.at, 2 * to.bytes.length));
    grown.set(to.bytes);
    to.bytes = grown;
  }
  return at;
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

function unpack(reader: Reader): Recordable {
  const kind = String.fromCharCode(take(reader, 1)[0]!);
  switch (kind) {
    case 'n':
      return null;
    case 't':
      return true;
    case 'f':
      return false;
    case 'd':
      return new Float64Array(take(reader, 8).slice().buffer)[0]!;
    case 's':
      return decoder.decode(take(reader, takeLength(reader)));
    case 'b':
      return take(reader, takeLength(reader)).slice();
    case 'a':
      return Array.from({ length: takeLength(reader) }, () => unpack(reader));
    case 'o':
      return unpackObject(reader);
    default:
      throw new Error(`record has unknown tag ${kind}`);
  }
}

function unpackObject(reader: Reader): { [field: string]: Recordable } {
  const entries = Array.from({ length: takeLength(reader) }, () => {
    const field = unpack(reader);
    if (typeof field !== 'string') throw new Error('record field is not a string');
    return [field, unpack(reader)] as const;
  });
  return Object.fromEntries(entries);
}

function takeLength(reader: Reader): number {
  return new Uint32Array(take(reader, 4).slice().buffer)[0]!;
}

function take(reader: Reader, count: number): Uint8Array {
  if (reader.at + count > reader.bytes.length) throw new Error('record is cut short');
  reader.at += count;
  return reader.bytes.subarray(reader.at - count, reader.at);
}
