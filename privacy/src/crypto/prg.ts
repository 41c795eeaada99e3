import { createCipheriv } from 'node:crypto';

const BLOCK_BYTES = 16;
const BUFFER_BYTES = 65_536;
const ZEROS = new Uint8Array(BUFFER_BYTES);

/**
 * `PRG(key)` of SECAGG.md section 2, read in sequence: AES-256-CTR keystream, counter from 0^128.
 * The key has 32 bytes. Equal keys give equal streams on every machine.
 */
export class Prg {
  readonly #cipher: ReturnType<typeof createCipheriv>;
  #buffer: Uint8Array = new Uint8Array(0);
  #used = 0;

  constructor(key: Uint8Array) {
    this.#cipher = ctr(key, 0);
  }

  /** The next `length` bytes in a new array that the caller owns. */
  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    this.fill(out);
    return out;
  }

  /** Writes the next `target.length` bytes over the target. */
  fill(target: Uint8Array): void {
    let at = 0;
    while (at < target.length) {
      if (this.#used === this.#buffer.length) this.#refill(target.length - at);
      const count = Math.min(target.length - at, this.#buffer.length - this.#used);
      target.set(this.#buffer.subarray(this.#used, this.#used + count), at);
      this.#used += count;
      at += count;
    }
  }

  #refill(wanted: number): void {
    // A short first read is common (shares, one shuffle): it does not pay for a whole buffer.
    const length = this.#buffer.length === 0 && wanted <= 1024 ? 1024 : BUFFER_BYTES;
    this.#buffer = this.#cipher.update(ZEROS.subarray(0, length));
    this.#used = 0;
  }
}

/**
 * `length` bytes of the keystream from byte `startByte` on, without producing what lies before.
 * The array is fresh and starts at a multiple of 4 in its buffer, so a Uint32Array fits over it.
 */
export function keystream(key: Uint8Array, startByte: number, length: number): Uint8Array {
  const skip = startByte % BLOCK_BYTES;
  const cipher = ctr(key, (startByte - skip) / BLOCK_BYTES);
  if (skip > 0) cipher.update(ZEROS.subarray(0, skip));
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += BUFFER_BYTES) {
    out.set(cipher.update(ZEROS.subarray(0, Math.min(BUFFER_BYTES, length - at))), at);
  }
  return out;
}

/** The counter block that the keystream has at byte `16 * block`: `BE128(block)`. */
export function counterBlock(block: number): Uint8Array {
  if (!Number.isSafeInteger(block) || block < 0) throw new RangeError(`counter block ${block}`);
  const out = new Uint8Array(BLOCK_BYTES);
  new DataView(out.buffer).setBigUint64(8, BigInt(block));
  return out;
}

function ctr(key: Uint8Array, block: number): ReturnType<typeof createCipheriv> {
  if (key.length !== 32) throw new RangeError(`key of ${key.length} bytes, expected 32`);
  return createCipheriv('aes-256-ctr', key, counterBlock(block));
}
