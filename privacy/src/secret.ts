const PRINTED = '[secret]';

/**
 * Bytes that refuse to print. Logging, JSON and template strings show `[secret]`; only `reveal()`
 * gives the bytes, so every use of a secret can be found by that name.
 */
export class Secret {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The bytes themselves, not a copy. */
  reveal(): Uint8Array {
    return this.#bytes;
  }

  toString(): string {
    return PRINTED;
  }

  toJSON(): string {
    return PRINTED;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return PRINTED;
  }
}
