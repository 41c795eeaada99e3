import type { RoundOpen } from '@tacit/privacy/secagg/message.ts';
import { type Delivery, Federation } from '@tacit/privacy/secagg/testing/federation.ts';

/** Time inside the machines during one round, in ms. */
export interface RoundTimes {
  /** By manifest position. */
  readonly agents: readonly number[];
  readonly coordinator: number;
  /** The part of `coordinator` that took in uploads. */
  readonly uploads: number;
}

/**
 * A federation in memory whose machines are timed; what carries and stores messages between them
 * is not. Every agent contributes ones, so that drawing the input costs nothing.
 */
export class TimedFederation {
  readonly #federation: Federation;
  readonly #agents: number[];
  #coordinator = 0;
  #uploads = 0;
  #round = 0;

  constructor({ n, d }: { n: number; d: number }) {
    this.#agents = new Array<number>(n).fill(0);
    this.#federation = new Federation({ n, seed: n, length: d });
    this.#federation.vector = (_: number, open: RoundOpen) =>
      new Int32Array(open.vec.length).fill(1);
    const { agents, coordinator } = this.#federation;
    agents.forEach((agent, i) => {
      agent.handle = timed(agent.handle.bind(agent), (ms) => {
        this.#agents[i]! += ms;
      });
    });
    coordinator.handle = timed(coordinator.handle.bind(coordinator), (ms, { kind }) => {
      this.#coordinator += ms;
      if (kind === 'uploaded') this.#uploads += ms;
    });
    this.#connectAll();
  }

  /**
   * The next round to its end. With `dropout` the last agent leaves before its upload; it comes
   * back afterwards, at nobody's charge. `watch` sees every message of the round that arrives.
   */
  run({ dropout, watch }: { dropout: boolean; watch?: (delivery: Delivery) => void }): RoundTimes {
    const federation = this.#federation;
    const leaver = this.#agents.length - 1;
    federation.onDeliver = (delivery) => {
      const leaves = dropout && delivery.to === leaver && delivery.event.kind === 'encoded';
      if (leaves) federation.disconnect(leaver);
      else watch?.(delivery);
      return !leaves;
    };
    this.#agents.fill(0);
    this.#coordinator = 0;
    this.#uploads = 0;
    const result = federation.runRound({ round: ++this.#round });
    const survivors = this.#agents.length - (dropout ? 1 : 0);
    if (result?.survivors.length !== survivors || result.sum.some((sum) => sum !== survivors)) {
      throw new Error(`round ${this.#round} is not the sum over ${survivors} survivors`);
    }
    const agents = [...this.#agents];
    const times = { agents, coordinator: this.#coordinator, uploads: this.#uploads };
    federation.onDeliver = () => true;
    this.#connectAll();
    return times;
  }

  #connectAll(): void {
    this.#federation.connectAll();
    this.#federation.pump();
  }
}

function timed<E, R>(handle: (event: E) => R, add: (ms: number, event: E) => void) {
  return (event: E): R => {
    const start = performance.now();
    const result = handle(event);
    add(performance.now() - start, event);
    return result;
  };
}
