import type { RoundOpen } from '@tacit/privacy/secagg/message.ts';
import { Federation } from '@tacit/privacy/secagg/testing/federation.ts';

/** Time inside the machines since the last `reset`, in ms. */
export interface Clocks {
  readonly agents: number[];
  coordinator: number;
  /** The part of `coordinator` that took in uploads. */
  uploads: number;
}

/**
 * A federation in memory whose machines are timed; what carries and stores messages between them
 * is not. Every agent contributes ones, so that drawing the input costs nothing.
 */
export class TimedFederation {
  readonly federation: Federation;
  readonly clocks: Clocks;
  readonly #n: number;
  #round = 0;

  constructor({ n, d }: { n: number; d: number }) {
    this.#n = n;
    this.federation = new Federation({ n, seed: n, length: d });
    this.federation.vector = (_: number, open: RoundOpen) =>
      new Int32Array(open.vec.length).fill(1);
    this.clocks = { agents: new Array<number>(n).fill(0), coordinator: 0, uploads: 0 };
    const { agents, coordinator } = this.federation;
    agents.forEach((agent, i) => {
      agent.handle = timed(agent.handle.bind(agent), (ms) => {
        this.clocks.agents[i]! += ms;
      });
    });
    coordinator.handle = timed(coordinator.handle.bind(coordinator), (ms, { kind }) => {
      this.clocks.coordinator += ms;
      if (kind === 'uploaded') this.clocks.uploads += ms;
    });
    this.federation.connectAll();
    this.federation.pump();
  }

  /**
   * The next round to its end, on clocks that start at zero; with `dropout` the last agent leaves
   * before its upload, and is back before the next round.
   */
  run({ dropout }: { dropout: boolean }): void {
    const { federation } = this;
    const leaver = this.#n - 1;
    const before = federation.onDeliver;
    if (dropout) {
      federation.onDeliver = (delivery) => {
        const leaves = delivery.to === leaver && delivery.event.kind === 'encoded';
        if (leaves) federation.disconnect(leaver);
        return !leaves && before(delivery);
      };
    }
    this.clocks.agents.fill(0);
    Object.assign(this.clocks, { coordinator: 0, uploads: 0 });
    const result = federation.runRound({ round: ++this.#round });
    federation.onDeliver = before;
    this.#check(result, dropout ? this.#n - 1 : this.#n);
  }

  /** Brings back who left; costs nobody's round. */
  rejoin(): void {
    this.federation.connectAll();
    this.federation.pump();
  }

  #check(result: ReturnType<Federation['runRound']>, survivors: number): void {
    const exact = result?.survivors.length === survivors && result.sum[0] === survivors;
    if (!exact) throw new Error(`round ${this.#round} did not end with ${survivors} survivors`);
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
