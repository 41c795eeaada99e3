import { describe, expect, test } from 'vitest';
import { Federation } from './testing/federation.ts';
import { brokenInvariants, unexpectedAlarms } from './testing/invariants.ts';

const N = 4;

/** Setup and two rounds with one process killed right behind its k-th persist. */
function runWithCrash(who: number | 'coordinator', k: number): { crashed: boolean } {
  const federation = new Federation({ n: N, seed: k, manifest: { bundlesInStock: 2 } });
  let persists = 0;
  federation.onPersist = (at) => at === who && ++persists === k;
  federation.connectAll();
  federation.settle(() => federation.idle());
  for (const round of [1, 2]) {
    for (let attempt = 1; attempt <= 3; attempt++) {
      const result = federation.tryRound({ round, attempt });
      federation.settle(() => federation.idle());
      if (result) break;
      expect(attempt, `round ${round} after a crash of ${who} at persist ${k}`).toBeLessThan(3);
    }
  }
  expect(brokenInvariants(federation)).toEqual([]);
  expect(unexpectedAlarms(federation)).toEqual([]);
  return { crashed: persists >= k };
}

describe('a crash behind every persist (I9)', () => {
  test.each([1, 'coordinator'] as const)('of %s', (who) => {
    let k = 1;
    while (runWithCrash(who, k).crashed) k++;
    expect(k).toBeGreaterThan(15);
  });
});
