import type { Prg } from '../crypto/prg.ts';
import { WordReader } from './word-reader.ts';

/** Largest parameter sigma^2; below it t^2 and 2 sigma^2 are exact doubles. */
export const SIGMA_SQUARED_MAX = 2 ** 46;

/**
 * Adds to every element an independent draw of the discrete Gaussian N_Z(0, sigmaSquared),
 * wrapping mod 2^32: P(k) proportional to exp(-k^2 / (2 sigmaSquared)), sigmaSquared an integer
 * from 1 to 2^46. Exact (Canonne, Kamath, Steinke, arXiv 2004.00010, Algorithms 1 to 3), and the
 * same on every machine for the same keystream. The stream serves this call only. Run time depends
 * on the draws, never on the target's values.
 */
export function sampleInto(target: Int32Array, sigmaSquared: number, prg: Prg): void {
  const sampler = new Sampler(sigmaSquared, prg);
  for (let i = 0; i < target.length; i++) target[i] = target[i]! + sampler.next();
}

// Room for rounding when a word is compared with 2^32 times a probability in floating point.
const GUARD = 2 ** -10;

/**
 * Every random decision is "is a uniform U in [0, 1) below a rational p?". U is a sequence of
 * 32-bit words; its first word w puts U in [w, w+1)/2^32. The double computed for p is off by less
 * than 2^-49 of p (at most eight roundings), so 2^32 p by less than 2^-17: if the interval lies
 * GUARD below or above it, the answer is certain. Otherwise, about once in 2^32 decisions, integers
 * of any size compare p with as many further words as it takes. Either way the answer is exact.
 */
class Sampler {
  readonly #words: WordReader;
  readonly #sigmaSquared: number;
  /** Scale of the discrete Laplace proposal; any positive integer is right, this one is fast. */
  readonly #t: number;
  readonly #uniformLimit: number;

  constructor(sigmaSquared: number, prg: Prg) {
    if (!Number.isInteger(sigmaSquared) || sigmaSquared < 1 || sigmaSquared > SIGMA_SQUARED_MAX) {
      throw new RangeError(`sigma squared ${sigmaSquared}, expected 1 to ${SIGMA_SQUARED_MAX}`);
    }
    this.#words = new WordReader(prg);
    this.#sigmaSquared = sigmaSquared;
    this.#t = Math.floor(Math.sqrt(sigmaSquared)) + 1;
    this.#uniformLimit = Math.floor(2 ** 31 / this.#t) * this.#t;
  }

  /** Algorithm 3: propose from the discrete Laplace, accept by the ratio of the two. */
  next(): number {
    for (;;) {
      const word = this.#words.next();
      const uniform = word >>> 1;
      if (uniform >= this.#uniformLimit) continue;
      const u = uniform % this.#t;
      if (!this.#expMinusFraction(u)) continue;
      let magnitude = u;
      while (this.#expMinusOne()) magnitude += this.#t;
      const negative = (word & 1) === 1;
      if (negative && magnitude === 0) continue;
      if (this.#accept(magnitude)) return negative ? -magnitude : magnitude;
    }
  }

  /** Bernoulli(exp(-u/t)), Algorithm 1: the first k at which a Bernoulli(u/(t k)) fails is odd. */
  #expMinusFraction(u: number): boolean {
    const ratio = u / this.#t;
    for (let k = 1; ; k++) {
      const word = this.#words.next();
      const side = decide(word, ratio / k);
      const hit =
        side === 0 ? this.#resolve(word, BigInt(u), BigInt(this.#t) * BigInt(k)) : side > 0;
      if (!hit) return k % 2 === 1;
    }
  }

  /** Bernoulli(exp(-1)); its first factor is Bernoulli(1/1), which needs no draw. */
  #expMinusOne(): boolean {
    for (let k = 2; ; k++) {
      const word = this.#words.next();
      const side = decide(word, 1 / k);
      const hit = side === 0 ? this.#resolve(word, 1n, BigInt(k)) : side > 0;
      if (!hit) return k % 2 === 1;
    }
  }

  /** Bernoulli(exp(-g)), g = (|y| t - sigma^2)^2 / (2 sigma^2 t^2), as n factors exp(-g/n) <= 1. */
  #accept(y: number): boolean {
    const t = this.#t;
    const root = y * t - this.#sigmaSquared;
    const g = (root * root) / (2 * this.#sigmaSquared * (t * t));
    const n = Math.floor(g * (1 + 2 ** -40)) + 1;
    for (let factor = 0; factor < n; factor++) {
      if (!this.#expMinusPart(y, n, g / n)) return false;
    }
    return true;
  }

  #expMinusPart(y: number, n: number, ratio: number): boolean {
    for (let k = 1; ; k++) {
      const word = this.#words.next();
      const side = decide(word, ratio / k);
      const hit = side === 0 ? this.#resolveAccept(word, y, n * k) : side > 0;
      if (!hit) return k % 2 === 1;
    }
  }

  #resolveAccept(word: number, y: number, divisor: number): boolean {
    const t = BigInt(this.#t);
    const sigmaSquared = BigInt(this.#sigmaSquared);
    const root = BigInt(y) * t - sigmaSquared;
    const denominator = 2n * sigmaSquared * t * t * BigInt(divisor);
    return this.#resolve(word, root * root, denominator);
  }

  /** Whether U < numerator/denominator, U starting with this word; more words as needed. */
  #resolve(word: number, numerator: bigint, denominator: bigint): boolean {
    let rest = numerator;
    for (let next = word; ; next = this.#words.next()) {
      rest = (rest << 32n) - BigInt(next) * denominator;
      if (rest <= 0n) return false;
      if (rest >= denominator) return true;
    }
  }
}

/** 1: every U that starts with this word is below p; -1: none is; 0: too close to tell. */
function decide(word: number, p: number): -1 | 0 | 1 {
  const scaled = p * 2 ** 32;
  if (word + 1 <= scaled - GUARD) return 1;
  return word >= scaled + GUARD ? -1 : 0;
}
