import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, storeOf } from './testing/cluster.ts';
import { releasedSums } from './testing/exact-sum.ts';
import { armFault, type FaultPhase } from './testing/fault.ts';
import { makeFederation, smallPlan } from './testing/federation.ts';
import { spentBy } from './testing/ledger.ts';
import { until } from './testing/process.ts';
import { recordsOf } from './testing/record.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = new Cluster(await makeFederation({ uploadMs: 5_000 }), { agents: 'test' });
  await cluster.connectAll();
}, 120_000);

afterAll(() => cluster?.stop());

/** Phase of the kill, and whether the contribution of the dead agent is in the sum. */
const phases: [FaultPhase, 'in the sum' | 'not in the sum'][] = [
  ['before-charge', 'not in the sum'],
  ['before-upload', 'not in the sum'],
  ['mid-upload', 'not in the sum'],
  ['after-upload', 'in the sum'],
  ['before-ack', 'in the sum'],
  ['before-reveal', 'in the sum'],
];

describe('one agent is killed with SIGKILL (T2, D-22)', () => {
  it.each(phases)(
    '%s: its contribution is %s, the round completes and it joins later rounds',
    async (phase, fate) => {
      const victim = cluster.federation.units[phases.findIndex(([p]) => p === phase) % 5];
      armFault(cluster.folder(victim), phase);
      const runId = await cluster.propose(smallPlan(`kill-${phase}`, 2));
      expect(await cluster.agents.get(victim)?.ended).toMatchObject({ signal: 'SIGKILL' });
      const run = await cluster.completed(runId);
      expect(run).toMatchObject({ round: 3 });

      const [first, ...later] = releasedSums(cluster, runId).sort((a, b) => a.slot - b.slot);
      expect(first.survivors.includes(victim)).toBe(fate === 'in the sum');
      expect(first.survivors.length).toBe(fate === 'in the sum' ? 5 : 4);
      expect(later.length).toBe(2);
      for (const sum of [first, ...later]) expect(sum.released).toEqual(sum.expected);

      await cluster.connectAgent(victim);
      const next = await cluster.completed(await cluster.propose(smallPlan(`after-${phase}`, 1)));
      expect(next).toMatchObject({ coverage: { [victim]: 1 } });
      for (const sum of releasedSums(cluster, next.runId)) {
        expect(sum.released).toEqual(sum.expected);
        expect(sum.survivors).toContain(victim);
      }
    },
    120_000,
  );

  it('every upload that began has the charge that its sum allows, also of the dead', () => {
    const { units } = cluster.federation;
    const results = units.flatMap((bu) => recordsOf(cluster.folder(bu), 'released'));
    const survivorsOf = new Map(results.map((r) => [r.transcript, r.survivors]));
    for (const [position, bu] of units.entries()) {
      const { charges, receipts } = spentBy(storeOf(cluster, bu));
      const byHdr = new Map(charges.map((charge) => [charge.entry.hdr, charge]));
      expect(receipts.map(({ hdr }) => hdr).sort()).toEqual([...byHdr.keys()].sort());
      for (const { hdr, transcript } of recordsOf(cluster.folder(bu), 'uploading')) {
        const charge = byHdr.get(hdr);
        if (!charge) throw new Error(`${bu} uploaded ${hdr} without a charge`);
        const survivors = survivorsOf.get(transcript) ?? [];
        // Four survivors less one colluder are the floor that was charged; five are one share more.
        const lowered = survivors.length === 5;
        const ratio = charge.event.noiseMultiplier / charge.entry.event.noiseMultiplier;
        expect(ratio ** 2).toBeCloseTo(lowered ? 4 / 3 : 1, 3);
        if (survivors.includes(position)) expect(charge.status).not.toBe('released');
        if (lowered) expect(charge.status, `${bu} ${charge.entry.chargeId}`).toBe('lowered');
      }
    }
  });
});

describe('the coordinator is killed with SIGKILL in the middle of a run (T13, D-22)', () => {
  it('the same run completes, no agent restarts, versions go up, charges stay', async () => {
    const agents = [...cluster.agents.values()].map(({ child }) => child.pid);
    const runId = await cluster.propose(smallPlan('coordinator-killed', 12));
    const charged = () =>
      cluster.federation.units.flatMap((bu) =>
        spentBy(storeOf(cluster, bu)).charges.map(({ entry }) => entry.hdr),
      );
    const before: string[] = [];
    for (const version of [3, 7]) {
      await until(`version ${version}`, async () => {
        const run = await cluster.show(runId);
        return run !== undefined && run.model.version >= version;
      });
      await cluster.coordinator.kill();
      before.push(...charged());
      cluster.startCoordinator();
    }
    const run = await cluster.completed(runId);
    expect(run).toMatchObject({ round: 13, model: { version: 12 } });
    expect([...cluster.agents.values()].map(({ child }) => child.pid)).toEqual(agents);
    expect([...cluster.agents.values()].every((agent) => agent.running)).toBe(true);
    const rounds = (await cluster.events(runId)).filter((event) => event.type === 'round');
    expect(rounds.map((event) => event.record.round)).toEqual([...Array(13).keys()]);
    expect(rounds.map((event) => event.version)).toEqual(
      rounds.map((event) => Math.min(event.record.round + 1, 12)),
    );
    for (const sum of releasedSums(cluster, runId)) expect(sum.released).toEqual(sum.expected);
    expect(charged()).toEqual(expect.arrayContaining(before));
  }, 180_000);
});
