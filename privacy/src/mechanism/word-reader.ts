import type { Prg } from '../crypto/prg.ts';

const WORDS_PER_FILL = 4096;

/**
 * Uniform 32-bit words of a keystream: word i is bytes 4i..4i+3, little-endian, whatever the
 * buffering. Reads ahead, so its stream serves nobody else afterwards.
 */
export class WordReader {
  readonly #prg: Prg;
  readonly #words = new Uint32Array(WORDS_PER_FILL);
  #used = WORDS_PER_FILL;

  constructor(prg: Prg) {
    this.#prg = prg;
  }

  next(): number {
    if (this.#used === WORDS_PER_FILL) {
      this.#prg.fill(new Uint8Array(this.#words.buffer));
      this.#used = 0;
    }
    return this.#words[this.#used++]!;
  }
}
