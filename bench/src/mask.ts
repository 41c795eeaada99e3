import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { maskedLength, withCanaries } from '@tacit/privacy/secagg/canary.ts';
import {
  applyMask,
  pairMaskKey,
  pairSign,
  selfMaskKey,
  wordBytes,
} from '@tacit/privacy/secagg/mask.ts';
import { interleavedMedians } from './interleaved.ts';
import { drawKeystream, keysOf } from './keystream-floor.ts';
import { type BenchRow, rowOf } from './row.ts';

/**
 * All masks of one upload among n agents on the complete graph, n - 1 pair masks and its own, with
 * the canaries and the derivation of every key; and the hash of the masked vector. In ns for each
 * word of one mask. Floor: the AES-256-CTR keystream of the same bytes.
 */
export function maskBench(): BenchRow[] {
  return LENGTHS.flatMap((d) => [...AGENTS.map((n) => maskRow(n, d)), hashRow(d)]);
}

const AGENTS = [10, 32, 64];
const LENGTHS = [1_000, 100_000];
const TRANSCRIPT = new Uint8Array(32).fill(255);
const SELF = 3;

function maskRow(n: number, d: number): BenchRow {
  const integers = new Int32Array(d).fill(7);
  const secrets = keysOf(n);
  const bytes = 4 * maskedLength(d);
  const masked = () => {
    const words = withCanaries(integers);
    secrets.forEach((secret, j) => {
      if (j === SELF) return applyMask(words, selfMaskKey(secret, TRANSCRIPT, j), 1);
      applyMask(words, pairMaskKey(secret, TRANSCRIPT, [SELF, j]), pairSign(SELF, j));
    });
  };
  const floor = () => {
    for (const secret of secrets) drawKeystream(secret, bytes);
  };
  const name = `upload, n = ${n}, d = ${d}`;
  return perWord({ name, words: n * maskedLength(d), repeats: repeatsOf(n * d) }, masked, floor);
}

function hashRow(d: number): BenchRow {
  const y = wordBytes(new Uint32Array(maskedLength(d)).fill(7));
  const [key] = keysOf(1);
  return perWord(
    { name: `SHA-256 of the upload, d = ${d}`, words: maskedLength(d), repeats: repeatsOf(d) },
    () => sha256(y),
    () => drawKeystream(key!, y.length),
  );
}

function perWord(
  { name, words, repeats }: { name: string; words: number; repeats: number },
  run: () => void,
  floor: () => void,
): BenchRow {
  const times = interleavedMedians([run, floor], { repeats, warmUp: 10 });
  const [value, least] = times.map((ms) => (ms * 1e6) / words);
  const unit = 'ns/word and mask';
  return rowOf({ bench: 'mask', case: name, value: value!, unit, floor: least! });
}

/** More repeats of what is short. */
function repeatsOf(words: number): number {
  return Math.min(300, Math.max(30, Math.ceil(2e7 / words)));
}
