import type { Write } from './tables.ts';

/** One durable transaction. */
export interface Commit {
  readonly kind: 'commit';
  readonly writes: readonly Write[];
}

/**
 * The effects of one event. All writes become one transaction that is performed before anything
 * else, so whatever is sent speaks only of what is durable, and an event costs one disk flush.
 */
export class Batch<Effect> {
  readonly #writes: Write[] = [];
  readonly #others: Effect[] = [];

  put(table: string, key: string, value: Uint8Array | null): void {
    this.#writes.push({ table, key, value });
  }

  write(writes: readonly Write[]): void {
    this.#writes.push(...writes);
  }

  add(effect: Effect): void {
    this.#others.push(effect);
  }

  effects(): (Effect | Commit)[] {
    if (this.#writes.length === 0) return this.#others;
    return [{ kind: 'commit', writes: this.#writes }, ...this.#others];
  }
}
