import { afterAll, describe, expect, test } from 'vitest';
import { Federation } from './testing/federation.ts';
import { brokenInvariants, unexpectedAlarms } from './testing/invariants.ts';
import { SeededRandom } from './testing/random.ts';

const SEEDS = Array.from({ length: 32 }, (_, i) => i + 1);

/** How rounds ended under faults, over all seeds. */
const endings = new Map<string, number>();

function note({ observed }: Federation): void {
  const codes = [...observed.results.map(() => 'result'), ...observed.failures.map((f) => f.code)];
  for (const code of codes) endings.set(code, (endings.get(code) ?? 0) + 1);
}

// Positive control: schedules that never break a round in some phase would prove little.
afterAll(() => {
  const reached = [...endings.keys()].sort();
  expect(reached).toEqual(
    expect.arrayContaining([
      'acks-below-quorum',
      'restarted',
      'result',
      'shares-below-threshold',
      'survivors-below-floor',
    ]),
  );
});

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
    const rate = [0.002, 0.006, 0.015, 0.04][chaos.below(4)]!;
    const killCoordinator = chaos.real() < 0.5 ? rate / 4 : 0;
    let calm = seed % 4 !== 0;
    federation.onDeliver = (delivery) => {
      if (calm) return true;
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
    federation.settle(() => federation.idle());
    calm = false;
    for (let round = 1; round <= 6; round++) {
      federation.tryRound({ round });
      federation.settle(() => federation.idle());
    }
    note(federation);
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
    expect(unexpectedAlarms(federation)).toEqual([]);
    expect(brokenInvariants(federation)).toEqual([]);
  });
});
