import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { maskedLength, withCanaries } from '@tacit/privacy/secagg/canary.ts';
import {
  applyMask,
  pairMaskKey,
  pairSign,
  selfMaskKey,
  wordBytes,
} from '@tacit/privacy/secagg/mask.ts';
import { interleaved, minimum } from './interleaved.ts';
import { drawKeystream, keysOf } from './keystream-floor.ts';
import { type BenchRow, rowOf } from './row.ts';

/**
 * All masks of one upload among n agents on the complete graph, n - 1 pair masks and its own, with
 * the canaries and the derivation of every key, in ns for each word of one mask; and the hash of
 * the masked vector, in ns for each word. Floor: the AES-256-CTR keystream of the same bytes.
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
    for (const [j, secret] of secrets.entries()) {
      if (j === SELF) applyMask(words, selfMaskKey(secret, TRANSCRIPT, j), 1);
      else applyMask(words, pairMaskKey(secret, TRANSCRIPT, [SELF, j]), pairSign(SELF, j));
    }
  };
  const floor = () => {
    for (const secret of secrets) drawKeystream(secret, bytes);
  };
  return rowFor({
    name: `upload, n = ${n}, d = ${d}`,
    unit: 'ns/word and mask',
    words: n * maskedLength(d),
    run: masked,
    floor,
  });
}

function hashRow(d: number): BenchRow {
  const y = wordBytes(new Uint32Array(maskedLength(d)).fill(7));
  const [key] = keysOf(1);
  return rowFor({
    name: `SHA-256 of the upload, d = ${d}`,
    unit: 'ns/word',
    words: maskedLength(d),
    run: () => sha256(y),
    floor: () => drawKeystream(key!, y.length),
  });
}

interface Case {
  readonly name: string;
  readonly unit: string;
  readonly words: number;
  readonly run: () => unknown;
  readonly floor: () => unknown;
}

function rowFor({ name, unit, words, run, floor }: Case): BenchRow {
  const repeats = repeatsOf(words);
  const times = interleaved([run, floor], { repeats, warmUp: 5, statistic: minimum });
  const [value, least] = times.map((ms) => (ms * 1e6) / words);
  return rowOf({ bench: 'mask', case: name, value: value!, unit, floor: least! });
}

/** More repeats of what is short. */
function repeatsOf(words: number): number {
  return Math.min(300, Math.max(20, Math.ceil(2e7 / words)));
}
