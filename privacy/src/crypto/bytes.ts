/** `u32(x)`: 4 bytes big-endian (SECAGG.md section 2). Throws RangeError on any other number. */
export function u32(x: number): Uint8Array {
  if (!Number.isInteger(x) || x < 0 || x > 0xffffffff) throw new RangeError(`u32 of ${x}`);
  return new Uint8Array([x >>> 24, x >>> 16, x >>> 8, x]);
}

/** `u64(x)`: 8 bytes big-endian. Numbers above 2^53 must arrive as bigint. */
export function u64(x: number | bigint): Uint8Array {
  if (typeof x === 'number' && !Number.isSafeInteger(x)) throw new RangeError(`u64 of ${x}`);
  const value = BigInt(x);
  if (value < 0n || value > 0xffffffffffffffffn) throw new RangeError(`u64 of ${value}`);
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, value);
  return out;
}

/** `f64(x)`: IEEE-754 double, big-endian. NaN has many encodings and is a programmer error. */
export function f64(x: number): Uint8Array {
  if (Number.isNaN(x)) throw new RangeError('f64 of NaN');
  const out = new Uint8Array(8);
  new DataView(out.buffer).setFloat64(0, x);
  return out;
}

/** `LP(x) = u32(len x) || x`. */
export function lp(bytes: Uint8Array): Uint8Array {
  return concat(u32(bytes.length), bytes);
}

const encoder = new TextEncoder();

/** UTF-8 bytes of a string. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** All parts in one new array. */
export function concat(...parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Lower-case hex of the bytes. */
export function hex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0');
  return out;
}

/** Bytes of a hex string; throws RangeError on an odd length or another character. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new RangeError('not hex');
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/**
 * Whether two arrays hold the same bytes. The time depends on the length only, not on the place
 * of the first difference.
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
