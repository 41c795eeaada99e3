import { KDF } from '../../crypto/hash.ts';
import { shuffle } from './shuffle.ts';

const NO_SALT = new Uint8Array(0);

/**
 * Neighbours of every agent in the k-regular ring graph that the epoch's seed draws (SECAGG.md
 * section 4): ring distance at most k/2, ascending. The complete graph (k = n - 1) draws nothing.
 * Kept with its known answers only: rosters of at most 64 use the complete graph.
 */
export function neighbours(n: number, k: number, seed: Uint8Array): number[][] {
  if (k === n - 1) {
    return Array.from({ length: n }, (_, i) => range(n).filter((j) => j !== i));
  }
  if (k % 2 !== 0 || k < 2 || k >= n) throw new RangeError(`degree ${k} of ${n}`);
  const ring = ringOrder(n, seed);
  const out: number[][] = range(n).map(() => []);
  ring.forEach((agent, place) => {
    for (let step = 1; step <= k / 2; step++) {
      const other = ring[(place + step) % n]!;
      out[agent]!.push(other);
      out[other]!.push(agent);
    }
  });
  return out.map((list) => list.sort((a, b) => a - b));
}

/** The agents in ring order. */
export function ringOrder(n: number, seed: Uint8Array): number[] {
  return shuffle(n, KDF({ ikm: seed, salt: NO_SALT, label: 'graph' }));
}

/** K[p]: the holder at each committee position; everyone in order when L = n. */
export function committee(n: number, holders: number, seed: Uint8Array): number[] {
  if (holders === n) return range(n);
  return shuffle(n, KDF({ ikm: seed, salt: NO_SALT, label: 'committee' })).slice(0, holders);
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
