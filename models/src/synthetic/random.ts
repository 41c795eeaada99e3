import { u64, utf8 } from '@tacit/privacy/crypto/bytes.ts';
import { H } from '@tacit/privacy/crypto/hash.ts';
import { Prg } from '@tacit/privacy/crypto/prg.ts';

/** Seeded draws for invented data, the same on every machine. Not for noise: see `privacy`. */
export class Random {
  readonly #prg: Prg;
  #words = new Uint32Array(0);
  #used = 0;

  /** Streams of different names are independent, so one part can be drawn without the others. */
  constructor(seed: number, name: string) {
    this.#prg = new Prg(H('synthetic', u64(seed), utf8(name)));
  }

  /** Uniform in [0, 1), 32 bits fine. */
  uniform(): number {
    if (this.#used === this.#words.length) this.#refill();
    return (this.#words[this.#used++] as number) / 2 ** 32;
  }

  /** Uniform integer in [from, to]. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.uniform() * (to - from + 1));
  }

  /**
   * About normal (mean 0, variance 1, at most 3.46 from 0): four uniforms, centred and scaled. No
   * logarithm or cosine, so that no machine can change a data set.
   */
  normal(): number {
    return (this.uniform() + this.uniform() + this.uniform() + this.uniform() - 2) * Math.sqrt(3);
  }

  bernoulli(probability: number): boolean {
    return this.uniform() < probability;
  }

  #refill(): void {
    const view = new DataView(this.#prg.bytes(16_384).buffer);
    this.#words = Uint32Array.from({ length: 4096 }, (_, i) => view.getUint32(4 * i, true));
    this.#used = 0;
  }
}
