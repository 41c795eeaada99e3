import { u32 } from '../../crypto/bytes.ts';
import { H } from '../../crypto/hash.ts';
import { Prg } from '../../crypto/prg.ts';

/** A reproducible source of everything random in a test; `name` separates independent streams. */
export class SeededRandom {
  readonly #prg: Prg;

  constructor(seed: number, name: string) {
    this.#prg = new Prg(H('test', u32(seed), new TextEncoder().encode(name)));
  }

  bytes(length: number): Uint8Array {
    return this.#prg.bytes(length);
  }

  /** An integer in 0..bound-1. */
  below(bound: number): number {
    return Math.floor(this.real() * bound);
  }

  /** A real in [0, 1). */
  real(): number {
    return new DataView(this.#prg.bytes(4).buffer).getUint32(0) / 2 ** 32;
  }

  int32(): number {
    return new DataView(this.#prg.bytes(4).buffer).getInt32(0);
  }
}
