import { CHUNK_WORDS } from './statement.ts';

const DATA_WORDS = CHUNK_WORDS - 1;
const TRAILING = 4;

/** Words of a masked vector of d data elements: d' = d + ceil(d / 65,535) + 4. */
export function maskedLength(d: number): number {
  return d + Math.ceil(d / DATA_WORDS) + TRAILING;
}

/**
 * The vector with a canary of 1 behind every 65,535 words, behind the last shorter chunk, and 4
 * more at the end (SECAGG.md section 7). Integers become ring words modulo 2^32.
 */
export function withCanaries(integers: Int32Array): Uint32Array {
  const out = new Uint32Array(maskedLength(integers.length)).fill(1);
  for (let chunk = 0, from = 0; from < integers.length; chunk++, from += DATA_WORDS) {
    out.set(integers.subarray(from, from + DATA_WORDS), chunk * CHUNK_WORDS);
  }
  return out;
}

/**
 * The sum without canaries, centred to [-2^31, 2^31); undefined when a canary differs from the
 * number of survivors, which means masks are left in the sum.
 */
export function stripCanaries(sum: Uint32Array, input: { d: number; survivors: number }) {
  const { d, survivors } = input;
  if (sum.length !== maskedLength(d)) throw new RangeError(`${sum.length} words for d = ${d}`);
  const out = new Int32Array(d);
  let at = 0;
  for (let from = 0; from < d; from += DATA_WORDS) {
    const count = Math.min(DATA_WORDS, d - from);
    out.set(sum.subarray(at, at + count), from);
    at += count;
    if (sum[at++] !== survivors) return undefined;
  }
  while (at < sum.length) if (sum[at++] !== survivors) return undefined;
  return out;
}
