import { describe, expect, test } from 'vitest';
import { mlKem768 } from '../crypto/ml-kem.ts';
import { unpackRecord } from './record.ts';
import { envelopeIn, Federation, read } from './testing/federation.ts';
import { brokenInvariants } from './testing/invariants.ts';

function ready(n: number, options: Partial<ConstructorParameters<typeof Federation>[0]> = {}) {
  const federation = new Federation({ n, seed: n, ...options });
  federation.connectAll();
  federation.pump();
  return federation;
}

describe('rounds with everybody present', () => {
  test.each([3, 4, 5, 6, 7, 8, 9, 10, 13])('n = %i: three rounds, exact sums', (n) => {
    const federation = ready(n);
    for (let round = 1; round <= 3; round++) {
      expect(federation.runRound({ round })!.survivors).toHaveLength(n);
    }
    const { observed } = federation;
    expect(observed.alarms).toEqual([]);
    expect(brokenInvariants(federation)).toEqual([]);
    const outcomes = observed.closed.map(({ closed }) => closed.outcome);
    expect(outcomes).toEqual(Array(3 * n).fill('result'));
    const { certified, sum } = observed.closed.at(-1)!.closed;
    expect(certified).toMatchObject({
      self: true,
      honest: n - federation.wanted({ round: 4 }).mechanism.c,
    });
    expect([...sum!]).toEqual([...observed.results.at(-1)!.sum]);
  });

  test('the real ML-KEM-768 and the classical manifest give the same', () => {
    for (const options of [{ kem: mlKem768 }, { manifest: { kem: 'none' as const } }]) {
      const federation = ready(4, options);
      expect(federation.runRound({ round: 1 })).toBeDefined();
      expect(brokenInvariants(federation)).toEqual([]);
    }
  });

  test('a vector longer than one canary chunk', () => {
    const federation = ready(3, { length: 70_000 });
    expect(federation.runRound({ round: 1 })).toBeDefined();
    expect(brokenInvariants(federation)).toEqual([]);
  });

  test('slots run out and a new epoch follows by itself', () => {
    const federation = ready(3, { manifest: { slotsPerEpoch: 4 } });
    for (let round = 1; round <= 10; round++) expect(federation.runRound({ round })).toBeDefined();
    const epochs = new Set(federation.observed.results.map(({ open }) => open.epoch.join()));
    expect(epochs.size).toBe(3);
    expect(brokenInvariants(federation)).toEqual([]);
  });
});

describe('absences', () => {
  test('an agent that leaves before its upload is unmasked through its escrow', () => {
    const federation = ready(5);
    federation.onDeliver = ({ to, event }) => {
      const leaves = to === 3 && event.kind === 'encoded';
      if (leaves) federation.disconnect(3);
      return !leaves;
    };
    expect(federation.runRound({ round: 1 })!.survivors).toEqual([0, 1, 2, 4]);
    expect(brokenInvariants(federation)).toEqual([]);
  });

  test('an agent that leaves after its upload stays in the sum', () => {
    const federation = ready(5);
    federation.onDeliver = ({ to, event }) => {
      if (to === 3 && event.kind === 'accepted') federation.disconnect(3);
      return true;
    };
    expect(federation.runRound({ round: 1 })!.survivors).toEqual([0, 1, 2, 3, 4]);
    expect(brokenInvariants(federation)).toEqual([]);
  });

  test('below the floor nothing opens and the abort certificate releases every charge', () => {
    const federation = ready(5);
    federation.admission = (member) => (member < 2 ? 'budget-insufficient' : undefined);
    expect(federation.runRound({ round: 1 })).toBeUndefined();
    const { failures, closed, refusals } = federation.observed;
    expect(failures).toMatchObject([{ code: 'survivors-below-floor', aborted: true }]);
    expect(refusals.map(({ refusal }) => refusal.refused)).toEqual(
      Array(2).fill('budget-insufficient'),
    );
    expect(closed.map((one) => one.closed.outcome)).toEqual(Array(5).fill('aborted'));
    expect(closed.filter((one) => one.closed.uploaded)).toHaveLength(3);
    federation.admission = () => undefined;
    expect(federation.runRound({ round: 1, attempt: 2 })).toBeDefined();
    expect(brokenInvariants(federation)).toEqual([]);
  });

  test('an agent that missed the abort gets its certificate when it returns', () => {
    const federation = ready(5);
    federation.onDeliver = ({ to, event }) => {
      if (to === 4 && event.kind === 'accepted') federation.disconnect(4);
      return true;
    };
    federation.admission = (member) => (member < 2 ? 'budget-insufficient' : undefined);
    federation.runRound({ round: 1 });
    expect(federation.observed.closed.map(({ member }) => member).sort()).toEqual([0, 1, 2, 3]);
    federation.onDeliver = () => true;
    federation.connect(4);
    federation.pump();
    const last = federation.observed.closed.at(-1)!;
    expect(last).toMatchObject({ member: 4, closed: { outcome: 'aborted', uploaded: true } });
  });

  test('an agent away for longer than its stock of bundles takes part again', () => {
    const federation = ready(5);
    federation.disconnect(2);
    for (let round = 1; round <= 12; round++) expect(federation.runRound({ round })).toBeDefined();
    federation.connect(2);
    federation.pump();
    expect(federation.runRound({ round: 13 })!.survivors).toHaveLength(5);
    expect(brokenInvariants(federation)).toEqual([]);
  });

  test('too few connected: the round is refused before anything starts', () => {
    const federation = ready(4);
    federation.disconnect(0);
    federation.disconnect(1);
    expect(federation.runRound({ round: 1 })).toBeUndefined();
    expect(federation.observed.openRefusals[0]!.refusal).toEqual({
      refused: 'survivors-impossible',
      facts: { able: 2, roster: 4, needed: 3 },
    });
  });

  test('an epoch starts without an absent agent, which joins the next one', () => {
    const federation = new Federation({ n: 6, seed: 1 });
    federation.connect(0, 1, 2, 4, 5);
    federation.settle();
    expect(federation.runRound({ round: 1 })!.survivors).toEqual([0, 1, 2, 4, 5]);
    federation.connect(3);
    for (let round = 2; round <= 18; round++) federation.runRound({ round });
    expect(federation.observed.results.at(-1)!.survivors).toEqual([0, 1, 2, 3, 4, 5]);
    expect(brokenInvariants(federation)).toEqual([]);
  });
});

describe('lost keys', () => {
  test('at n = 3 a wiped agent gets a new epoch at once, as often as it happens', () => {
    const federation = ready(3);
    for (let round = 1; round <= 20; round++) {
      expect(federation.runRound({ round })).toBeDefined();
      federation.wipeAgent(round % 3);
      federation.pump();
    }
    expect(brokenInvariants(federation)).toEqual([]);
  });

  test('a wiped agent waits for slot 16 when the others can go on', () => {
    const federation = ready(7);
    federation.wipeAgent(6);
    for (let round = 1; round <= 20; round++) federation.runRound({ round });
    const sizes = federation.observed.results.map(({ survivors }) => survivors.length);
    expect(sizes).toEqual([...Array(16).fill(6), ...Array(4).fill(7)]);
    expect(brokenInvariants(federation)).toEqual([]);
  });
});

test('after a slot closed, its keys are gone from disk; only retained uploads stay', () => {
  const federation = ready(3);
  for (let round = 1; round <= 5; round++) federation.runRound({ round });
  for (const store of federation.agentStores) {
    expect(unpackRecord<{ base: number }>(store.get('roots')!).base).toBe(5);
    const slots = (kind: RegExp) => [...store.keys()].filter((key) => kind.test(key)).sort();
    expect(slots(/^bundle/)).toEqual(['bundle/5', 'bundle/6', 'bundle/7', 'bundle/8']);
    expect(slots(/y$/)).toEqual(['slot/3/y', 'slot/4/y']);
    expect(slots(/closed$/)).toHaveLength(5);
    expect(unpackRecord<{ pending: unknown }>(store.get('epoch')!).pending).toBeNull();
  }
  const kept = [...federation.coordinatorStore.keys()];
  expect(kept.filter((key) => key.startsWith('slot/'))).toEqual([]);
});

test('Welcome returns the last ledger head, also after a restart of both sides', () => {
  const federation = ready(3);
  const head = { count: 7, hash: new Uint8Array(32).fill(1) };
  federation.tell(1, { kind: 'ledger-head', head });
  federation.pump();
  federation.restartCoordinator();
  federation.wipeAgent(1);
  const seen: unknown[] = [];
  federation.onDeliver = (delivery) => {
    const envelope = envelopeIn(delivery);
    if (delivery.to === 1 && envelope?.type === 'Welcome') {
      seen.push(read('Welcome', envelope.body).ledgerHead);
    }
    return true;
  };
  federation.pump();
  expect(seen[0]).toEqual(head);
});

test('the masked vectors of a constant input are uniform and unlike it (I10)', () => {
  const federation = ready(4, { length: 20_000 });
  federation.vector = (_, open) => new Int32Array(open.vec.length).fill(7);
  federation.runRound({ round: 1 });
  for (const versions of federation.observed.uploads.values()) {
    const [y] = versions.values();
    const counts = new Array<number>(256).fill(0);
    for (const byte of y!) counts[byte]!++;
    const expected = y!.length / 256;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 255 degrees of freedom: 360 has probability 1e-5.
    expect(chiSquare).toBeLessThan(360);
  }
});
