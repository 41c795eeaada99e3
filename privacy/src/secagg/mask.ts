import { u32 } from '../crypto/bytes.ts';
import { KDF } from '../crypto/hash.ts';
import { keystream } from '../crypto/prg.ts';

const BLOCK_WORDS = 16_384;

/** `KDF(b, T, "self-mask", i)`. */
export function selfMaskKey(b: Uint8Array, transcript: Uint8Array, agent: number): Uint8Array {
  return KDF({ ikm: b, salt: transcript, label: 'self-mask', fields: [u32(agent)] });
}

/** `KDF(kappa_ij,s, T, "pair-mask", min, max)`. */
export function pairMaskKey(
  kappa: Uint8Array,
  transcript: Uint8Array,
  [i, j]: readonly [number, number],
): Uint8Array {
  const fields = [u32(Math.min(i, j)), u32(Math.max(i, j))];
  return KDF({ ikm: kappa, salt: transcript, label: 'pair-mask', fields });
}

/** The sign of a pair mask in `agent`'s upload: + towards higher numbers. */
export function pairSign(agent: number, peer: number): 1 | -1 {
  return agent < peer ? 1 : -1;
}

/** Adds or subtracts `PRG(key)` word by word modulo 2^32, in place. */
export function applyMask(words: Uint32Array, key: Uint8Array, sign: 1 | -1): void {
  for (let from = 0; from < words.length; from += BLOCK_WORDS) {
    const count = Math.min(BLOCK_WORDS, words.length - from);
    const mask = new Uint32Array(keystream(key, from * 4, count * 4).buffer);
    if (sign === 1) for (let e = 0; e < count; e++) words[from + e]! += mask[e]!;
    else for (let e = 0; e < count; e++) words[from + e]! -= mask[e]!;
  }
}

/** Adds a vector in place modulo 2^32. */
export function fold(sum: Uint32Array, words: Uint32Array): void {
  if (sum.length !== words.length) throw new RangeError(`${words.length} of ${sum.length} words`);
  for (let e = 0; e < sum.length; e++) sum[e]! += words[e]!;
}

/** Little-endian bytes of ring words or integers: a view, not a copy. */
export function wordBytes(words: Uint32Array | Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Ring words of little-endian bytes: a copy, so any alignment will do. */
export function bytesToWords(bytes: Uint8Array): Uint32Array {
  if (bytes.length % 4 !== 0) throw new RangeError(`${bytes.length} bytes are no words`);
  return new Uint32Array(bytes.slice().buffer);
}

if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) {
  throw new Error('masks need a little-endian machine');
}
