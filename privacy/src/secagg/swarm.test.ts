import { describe, expect, test } from 'vitest';
import { Federation } from './testing/federation.ts';
import { brokenInvariants } from './testing/invariants.ts';
import { SeededRandom } from './testing/random.ts';

const SEEDS = Array.from({ length: 24 }, (_, i) => i + 1);

/**
 * Faults at any delivery: lost connections, agents and the coordinator killed and restarted from
 * their records. A failure is a broken invariant, or a federation that cannot run a round once
 * the faults stop. Not failures: rounds that end without a result while faults go on.
 */
describe('random schedules', () => {
  test.each(SEEDS)('seed %i', (seed) => {
    const chaos = new SeededRandom(seed, 'chaos');
    const n = 3 + chaos.below(6);
    const federation = new Federation({ n, seed, manifest: { bundlesInStock: 3 } });
    const rate = [0, 0.001, 0.003, 0.01][chaos.below(4)]!;
    const killCoordinator = chaos.real() < 0.5 ? rate / 4 : 0;
    federation.onDeliver = (delivery) => {
      const member = chaos.below(n);
      const dice = chaos.real();
      if (dice < rate) federation.disconnect(member);
      else if (dice < 2 * rate) federation.restartAgent(member, { online: chaos.real() < 0.5 });
      else if (dice < 5 * rate) federation.connect(member);
      else if (dice < 5 * rate + killCoordinator) federation.restartCoordinator();
      else return true;
      // The event was under way on a link that may be gone: local work is lost with its process.
      return delivery.to === 'coordinator' ? true : federation.connected.has(delivery.to);
    };
    federation.connectAll();
    for (let round = 1; round <= 6; round++) {
      federation.settle(() => federation.idle());
      federation.tryRound({ round });
    }
    expect(brokenInvariants(federation)).toEqual([]);
    federation.onDeliver = () => true;
    federation.connectAll();
    federation.settle(() => federation.idle());
    let last = federation.tryRound({ round: 100 });
    for (let attempt = 2; attempt <= 3 && !last; attempt++) {
      federation.settle(() => federation.idle());
      last = federation.tryRound({ round: 100, attempt });
    }
    expect(last, 'no result after the faults stopped').toBeDefined();
    expect(brokenInvariants(federation)).toEqual([]);
  });
});
