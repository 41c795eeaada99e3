import { describe, expect, test } from 'vitest';
import { x25519 } from '../crypto/x25519.ts';
import { bitmapOf, membersOf } from './bitmap.ts';
import type { Envelope } from './message.ts';
import { envelopeIn, Federation, read } from './testing/federation.ts';
import { brokenInvariants } from './testing/invariants.ts';

function ready(n: number): Federation {
  const federation = new Federation({ n, seed: n });
  federation.connectAll();
  federation.pump();
  return federation;
}

function codes({ observed }: Federation): string[] {
  return [...new Set(observed.alarms.map(({ code }) => code))].sort();
}

describe('a coordinator that shows different things', () => {
  test('another model for one victim: its upload fits no sum, the others go on', () => {
    const federation = ready(5);
    const other = new Uint8Array(32).fill(9);
    federation.tamper('RoundOpen', (open, member) =>
      member === 2 ? { ...open, modelHash: other } : undefined,
    );
    expect(federation.runRound({ round: 1 })!.survivors).toEqual([0, 1, 3, 4]);
    expect(federation.observed.rejects.map(({ code }) => code)).toEqual(['upload-invalid']);
    expect(codes(federation)).toEqual(['split-view', 'upload-rejected']);
    expect(brokenInvariants(federation)).toEqual([]);
  });

  test('the same slot opened twice with different models: the second is refused', () => {
    const federation = ready(4);
    federation.runRound({ round: 1 });
    const { open } = federation.observed.results[0]!;
    const again = { ...open, modelHash: new Uint8Array(32).fill(9) };
    federation.tell(1, { kind: 'message', envelope: federation.forge('RoundOpen', again) });
    federation.pump();
    expect(codes(federation)).toEqual(['split-view']);
    expect(federation.observed.refusals.at(-1)!.refusal.refused).toBe('slot-used');
  });

  test('a Proposal with another transcript is not signed and named as a split view', () => {
    const federation = ready(4);
    federation.tamper('Proposal', (p) => ({ ...p, transcript: new Uint8Array(32) }));
    expect(federation.runRound({ round: 1 })).toBeUndefined();
    expect(codes(federation)).toEqual(['split-view']);
    expect(federation.observed.failures[0]).toMatchObject({ code: 'acks-below-quorum' });
  });

  test('an older round or attempt, an own bundle replaced, a cohort without floor', () => {
    for (const [change, code] of [
      [{ round: 0 }, 'round-old'],
      [{ attempt: 4 }, 'round-old'],
    ] as const) {
      const federation = ready(4);
      federation.runRound({ round: 1 });
      federation.runRound({ round: 2, ...change });
      expect(federation.observed.refusals[0]!.refusal.refused).toBe(code);
    }
    const federation = ready(4);
    federation.tamper('RoundOpen', (open) => ({
      ...open,
      bundleHashes: open.bundleHashes.map(() => new Uint8Array(32)),
    }));
    federation.runRound({ round: 1 });
    expect(federation.observed.refusals.map(({ refusal }) => refusal.refused)).toEqual(
      Array(4).fill('cohort'),
    );
    expect(federation.observed.uploads.size).toBe(0);
  });

  test('a round below the floors is not even pinned', () => {
    for (const weaker of [{ nMin: 2 }, { c: 0 }, { shareVariance: 0 }]) {
      const federation = ready(4);
      federation.tamper('RoundOpen', (open) => ({
        ...open,
        mechanism: { ...open.mechanism, ...weaker },
      }));
      federation.runRound({ round: 1 });
      expect(federation.observed.uploads.size).toBe(0);
      expect(federation.agentStores[0]!.has('slot/0/pin')).toBe(false);
    }
  });
});

describe('survivors', () => {
  test.each([
    ['below the floor', [0, 1], 'survivors-below-floor'],
    ['with somebody outside P', [0, 1, 2, 3, 4, 5], 'survivors-not-participants'],
  ])('a set %s is signed by nobody', (_, set, code) => {
    const federation = ready(6);
    federation.disconnect(5);
    federation.tamper('Proposal', (p) => ({ ...p, survivors: bitmapOf(set, 6) }));
    expect(federation.runRound({ round: 1 })).toBeUndefined();
    expect(codes(federation)).toEqual([code]);
    expect(federation.observed.failures).toMatchObject([{ aborted: true }]);
  });

  test('a second set on a slot: the first vote is shown instead', () => {
    const federation = ready(5);
    const answers: Envelope[] = [];
    let first: Envelope | undefined;
    federation.onDeliver = (delivery) => {
      const { to } = delivery;
      const envelope = envelopeIn(delivery);
      if (to === 0 && envelope?.type === 'Proposal' && !first) {
        first = envelope;
        const proposal = read('Proposal', envelope.body);
        const other = { ...proposal, survivors: bitmapOf([0, 1, 2, 3], 5) };
        federation.tell(0, { kind: 'message', envelope: federation.forge('Proposal', other) });
      }
      if (envelope?.type === 'AlreadySigned') answers.push(envelope);
      return true;
    };
    expect(federation.runRound({ round: 1 })).toBeDefined();
    expect(answers).toHaveLength(1);
    const shown = read('AlreadySigned', answers[0]!.body);
    expect(membersOf(shown.survivors, 5)).toEqual([0, 1, 2, 3]);
    expect(brokenInvariants(federation)).toEqual([]);
  });

  test('a certificate short of q, with a voter twice, or for another set opens nothing', () => {
    for (const [change, code] of [
      ['short', 'certificate-invalid'],
      ['twice', 'certificate-invalid'],
      ['other set', 'certificate-malformed'],
      ['substituted upload', 'root-mismatch'],
    ] as const) {
      const federation = ready(5);
      federation.tamper('Certificate', (c) => {
        const fewer = c.signatures.slice(1);
        if (change === 'short') return { ...c, signatures: fewer };
        if (change === 'twice') return { ...c, signatures: [...fewer, fewer[0]!] };
        if (change === 'other set') return { ...c, survivors: bitmapOf([0, 1, 2, 3], 5) };
        const uploads = c.uploads.map((u) => ({ ...u, bodyHash: new Uint8Array(32) }));
        return { ...c, uploads };
      });
      expect(federation.runRound({ round: 1 })).toBeUndefined();
      expect(codes(federation)).toEqual([code]);
      const reveals = [...federation.observed.sent.keys()].filter((key) =>
        key.startsWith('Reveal'),
      );
      expect(reveals).toEqual([]);
    }
  });

  test('nobody is alive and dead: the kinds of all revealed shares follow one bitmap', () => {
    const federation = ready(7);
    const kinds = new Map<number, Set<string>>();
    federation.onDeliver = (delivery) => {
      const { to, event } = delivery;
      const envelope = envelopeIn(delivery);
      if (to === 3 && event.kind === 'encoded') federation.disconnect(3);
      if (envelope?.type !== 'Reveal') return !(to === 3 && event.kind === 'encoded');
      for (const { agent, kind } of read('Reveal', envelope.body).shares) {
        kinds.set(agent, (kinds.get(agent) ?? new Set()).add(kind));
      }
      return true;
    };
    expect(federation.runRound({ round: 1 })).toBeDefined();
    const expected = [0, 1, 2, 3, 4, 5, 6].map((i) => [i, new Set(i === 3 ? 'e' : 'b')]);
    expect([...kinds].sort(([a], [b]) => a - b)).toEqual(expected);
  });
});

describe('epoch setup', () => {
  const start = (tamper: (federation: Federation) => void): Federation => {
    const federation = new Federation({ n: 5, seed: 3 });
    tamper(federation);
    federation.connectAll();
    federation.pump();
    return federation;
  };

  test('a shrunken roster is refused', () => {
    const federation = start((f) => {
      f.tamper('HelloSet', ({ hellos }) => ({ hellos: hellos.slice(0, 3) }));
    });
    expect(codes(federation)).toContain('roster-small');
    expect(federation.agentStores[0]!.has('confirmed')).toBe(false);
  });

  test('a Hello listed twice is refused', () => {
    const federation = start((f) => {
      f.tamper('HelloSet', ({ hellos }) => ({ hellos: [hellos[0]!, ...hellos.slice(0, 4)] }));
    });
    expect(codes(federation)).toContain('hello-order');
  });

  test('a swapped key breaks the signature of its Hello', () => {
    const federation = start((f) => {
      f.tamper('HelloSet', ({ hellos }) => {
        const body = hellos[2]!.body.slice();
        const { dhPk } = read('Hello', body);
        body.set(new Uint8Array(32).fill(5), indexOf(body, dhPk));
        return { hellos: hellos.map((hello, i) => (i === 2 ? { ...hello, body } : hello)) };
      });
    });
    expect(codes(federation)).toEqual(['hello-signature']);
  });

  test('an own Hello replaced by an older one is noticed', () => {
    const old: Envelope[] = [];
    const federation = new Federation({ n: 3, seed: 3 });
    federation.onDeliver = (delivery) => {
      const { to } = delivery;
      const envelope = envelopeIn(delivery);
      if (to === 'coordinator' && envelope?.type === 'Hello') old.push(envelope);
      return true;
    };
    federation.connectAll();
    federation.pump();
    federation.wipeAgent(0);
    federation.tamper('HelloSet', ({ hellos }) => ({
      hellos: hellos.map((hello, i) => (i === 0 ? old.find((o) => o.sender === 0)! : hello)),
    }));
    federation.settle(() => codes(federation).length > 0);
    expect(codes(federation)).toContain('hello-epoch');
  });

  test('a swapped KEM ciphertext is noticed by its receiver', () => {
    const federation = new Federation({ n: 3, seed: 3 });
    federation.onDeliver = (delivery) => {
      const { to } = delivery;
      const envelope = envelopeIn(delivery);
      if (to === 'coordinator' || envelope?.type !== 'KemCt') return true;
      const body = envelope.body.slice();
      body[body.length - 40]! ^= 1;
      federation.tell(to, { kind: 'message', envelope: { ...envelope, body } });
      return false;
    };
    federation.connectAll();
    federation.pump();
    expect(codes(federation)).toEqual(['kem-ciphertext-forged']);
  });

  test('a low-order X25519 key yields nothing', () => {
    expect(x25519(new Uint8Array(32).fill(7), new Uint8Array(32))).toBeUndefined();
  });

  test('an (epoch, attempt) that was confirmed is never confirmed again', () => {
    const federation = ready(3);
    const welcome = {
      epoch: new Uint8Array(0),
      epochNumber: 0,
      nextSlot: 0,
      setupEpochNumber: 1,
      setupAttempt: 1,
      ledgerHead: { count: 0, hash: new Uint8Array(0) },
    };
    const hellos: string[] = [];
    federation.onDeliver = (delivery) => {
      const envelope = envelopeIn(delivery);
      if (envelope) hellos.push(envelope.type);
      return true;
    };
    federation.tell(1, { kind: 'message', envelope: federation.forge('Welcome', welcome) });
    federation.pump();
    expect(hellos).toEqual(['Refused']);
  });
});

describe('uploads', () => {
  test('a second upload of an agent in a slot changes nothing', () => {
    const federation = ready(4);
    federation.onDeliver = ({ to, event }) => {
      if (to === 'coordinator' && event.kind === 'uploaded') federation.tell(to, event);
      return true;
    };
    expect(federation.runRound({ round: 1 })).toBeDefined();
    expect(brokenInvariants(federation)).toEqual([]);
  });

  test('one that arrives after the Proposal is late and stays out', () => {
    const federation = ready(5);
    let held: unknown;
    federation.onDeliver = ({ to, event }) => {
      if (to !== 'coordinator' || event.kind !== 'uploaded' || held) return true;
      held = event;
      return false;
    };
    expect(federation.runRound({ round: 1 })!.survivors).toHaveLength(4);
    federation.tell('coordinator', held as never);
    expect(federation.observed.rejects).toMatchObject([{ code: 'upload-late' }]);
    expect(federation.observed.rejects[0]!.late).toHaveLength(64);
    expect(brokenInvariants(federation)).toEqual([]);
  });

  test('a vector made for another transcript never goes out under this slot number', () => {
    const federation = ready(5);
    federation.onDeliver = ({ to, event }) => {
      if (to !== 1 || event.kind !== 'encoded' || event.transcript[0] === 0xee) return true;
      const transcript = new Uint8Array(32).fill(0xee);
      federation.tell(1, { kind: 'encoded', slot: event.slot, transcript, words: event.words });
      return false;
    };
    expect(federation.runRound({ round: 1 })!.survivors).toEqual([0, 2, 3, 4]);
    expect(brokenInvariants(federation)).toEqual([]);
  });

  test('after an abort vote nothing leaves in the slot', () => {
    const federation = ready(4);
    federation.onDeliver = ({ to, event }) => {
      if (to !== 1 || event.kind !== 'encoded') return true;
      const { slot } = event;
      const epoch = federation.epochOf(1);
      const ask = federation.forge('AbortAsk', { epoch, slot });
      federation.tell(1, { kind: 'message', envelope: ask });
      return true;
    };
    federation.runRound({ round: 1 });
    const members = [...federation.observed.uploads.keys()].map((key) => key.split('/')[2]);
    expect(members.sort()).toEqual(['0', '2', '3']);
  });
});

function indexOf(haystack: Uint8Array, needle: Uint8Array): number {
  return Buffer.from(haystack).indexOf(Buffer.from(needle));
}
