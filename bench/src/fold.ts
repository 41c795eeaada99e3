import { maskedLength, stripCanaries, withCanaries } from '@tacit/privacy/secagg/canary.ts';
import {
  applyMask,
  bytesToWords,
  fold,
  pairMaskKey,
  pairSign,
  selfMaskKey,
  wordBytes,
} from '@tacit/privacy/secagg/mask.ts';
import { interleaved, minimum } from './interleaved.ts';
import { drawKeystream, keysOf } from './keystream-floor.ts';
import { type BenchRow, rowOf } from './row.ts';
import { TimedFederation } from './timed-federation.ts';

/**
 * What the coordinator does with vectors, in ns for each word: adding one upload to the sum, all
 * it does about one upload (signature, sum, records, acceptance), and taking the masks off, in ns
 * for each word of one mask. Floor of the first two: a plain addition of two Uint32Arrays; of
 * the last: the AES-256-CTR keystream of the same bytes.
 */
export function foldBench(): BenchRow[] {
  return LENGTHS.flatMap((d) => [
    ...foldRows(d),
    ...AGENTS.flatMap((n) => [false, true].map((dropout) => unmaskRow({ n, d, dropout }))),
  ]);
}

const LENGTHS = [1_000, 100_000];
const AGENTS = [10, 32];
const SENDERS = 5;
const ROUNDS = 11;
const TRANSCRIPT = new Uint8Array(32).fill(255);

function foldRows(d: number): BenchRow[] {
  const length = maskedLength(d);
  const sum = new Uint32Array(length);
  const words = new Uint32Array(length).fill(7);
  const body = wordBytes(words);
  const [added, floor] = interleaved(
    [() => fold(sum, bytesToWords(body)), () => plainAdd(sum, words)],
    { repeats: 400, warmUp: 40, statistic: minimum },
  ).map((ms) => (ms * 1e6) / length);
  const whole = (wholeUploadMs(d) * 1e6) / length;
  const shared = { bench: 'fold', unit: 'ns/word', floor: floor! } as const;
  return [
    rowOf({ ...shared, case: `sum, d = ${d}`, value: added! }),
    rowOf({ ...shared, case: `whole upload, d = ${d}`, value: whole }),
  ];
}

/** Minimum over rounds of the mean over a round's uploads. */
function wholeUploadMs(d: number): number {
  const timed = new TimedFederation({ n: SENDERS, d });
  const rounds = Array.from({ length: ROUNDS }, () => {
    return timed.run({ dropout: false }).uploads / SENDERS;
  });
  return minimum(rounds);
}

function plainAdd(sum: Uint32Array, words: Uint32Array): void {
  for (let e = 0; e < sum.length; e++) sum[e]! += words[e]!;
}

interface Unmasking {
  readonly n: number;
  readonly d: number;
  /** The last agent sent nothing: its pair masks are left in the sum, its own mask is not. */
  readonly dropout: boolean;
}

interface Mask {
  readonly key: () => Uint8Array;
  readonly sign: 1 | -1;
}

function unmaskRow({ n, d, dropout }: Unmasking): BenchRow {
  const survivors = dropout ? n - 1 : n;
  const masks = masksIn(n, survivors);
  const sum = new Uint32Array(maskedLength(d));
  for (let i = 0; i < survivors; i++) fold(sum, withCanaries(new Int32Array(d).fill(i)));
  for (const { key, sign } of masks) applyMask(sum, key(), sign);
  const unmask = () => {
    const words = sum.slice();
    for (const { key, sign } of masks) applyMask(words, key(), sign === 1 ? -1 : 1);
    if (!stripCanaries(words, { d, survivors })) throw new Error('masks are left in the sum');
  };
  const keys = keysOf(masks.length);
  const floor = () => {
    for (const key of keys) drawKeystream(key, sum.byteLength);
  };
  const repeats = d < 10_000 ? 100 : 20;
  const times = interleaved([unmask, floor], { repeats, warmUp: 5, statistic: minimum });
  const [value, least] = times.map((ms) => (ms * 1e6) / (sum.length * masks.length));
  return rowOf({
    bench: 'fold',
    case: `unmask, n = ${n}${dropout ? ', one dropout' : ''}, d = ${d}`,
    value: value!,
    unit: 'ns/word and mask',
    floor: least!,
  });
}

/** What the coordinator has to take out: self masks of survivors, pair masks with the absent. */
function masksIn(n: number, survivors: number): Mask[] {
  const secrets = keysOf(survivors);
  const own = secrets.map((secret, i): Mask => {
    return { key: () => selfMaskKey(secret, TRANSCRIPT, i), sign: 1 };
  });
  if (survivors === n) return own;
  const pairs = secrets.map((secret, i): Mask => {
    return { key: () => pairMaskKey(secret, TRANSCRIPT, [i, n - 1]), sign: pairSign(i, n - 1) };
  });
  return [...own, ...pairs];
}
