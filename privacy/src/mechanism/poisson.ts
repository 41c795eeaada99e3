import type { Prg } from '../crypto/prg.ts';
import { WordReader } from './word-reader.ts';

const WORDS = 2 ** 32;

/**
 * The integer threshold of a sampling rate: a learner enters with probability exactly
 * threshold/2^32, never above `rate`. Account with `thresholdToRate`. Throws unless the threshold
 * is from 1 to 2^32.
 */
export function rateToThreshold(rate: number): number {
  const threshold = Math.floor(rate * WORDS);
  if (!(threshold >= 1 && threshold <= WORDS)) throw new RangeError(`sampling rate ${rate}`);
  return threshold;
}

/** The rate a threshold stands for: exact, and what the event must say. */
export function thresholdToRate(threshold: number): number {
  return threshold / WORDS;
}

/**
 * Indices below `count` that enter the round, ascending. Every slot draws one 32-bit word of its
 * own, empty slots too, so a learner without data changes nobody else's coin.
 */
export function poissonSample(count: number, threshold: number, prg: Prg): Uint32Array {
  const words = new WordReader(prg);
  const drawn = new Uint32Array(count);
  let size = 0;
  for (let i = 0; i < count; i++) {
    if (words.next() < threshold) drawn[size++] = i;
  }
  return drawn.slice(0, size);
}

/**
 * Most learners in one sample as the no-wrap bound takes it: mean + 10 standard deviations
 * (SECAGG.md section 15), never above `count`.
 */
export function sampleSizeMax(count: number, rate: number): number {
  const mean = count * rate;
  return Math.min(count, Math.ceil(mean + 10 * Math.sqrt(mean * (1 - rate))));
}
