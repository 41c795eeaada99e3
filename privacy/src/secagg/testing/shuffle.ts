import { Prg } from '../../crypto/prg.ts';

/**
 * `shuffle(n, key)` of SECAGG.md section 2: Fisher-Yates over 0..n-1 from the top, with indices
 * drawn from 32-bit little-endian words; words that would bias the draw are rejected.
 */
export function shuffle(n: number, key: Uint8Array): number[] {
  const prg = new Prg(key);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i >= 1; i--) {
    const j = below(i + 1, prg);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function below(bound: number, prg: Prg): number {
  const limit = Math.floor(2 ** 32 / bound) * bound;
  for (;;) {
    const word = prg.bytes(4);
    const value = new DataView(word.buffer).getUint32(0, true);
    if (value < limit) return value % bound;
  }
}
