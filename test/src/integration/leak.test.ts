import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Cluster, storeOf } from './testing/cluster.ts';
import { armFault } from './testing/fault.ts';
import { makeFederation, smallPlan } from './testing/federation.ts';
import { spentBy } from './testing/ledger.ts';
import { found, type Needle, planted, plantedId, plantedNeedles } from './testing/planted.ts';
import { testAgentCommand } from './testing/process.ts';
import { tap, type Wiretap } from './testing/wiretap.ts';

let cluster: Cluster;
let needles: Needle[];
const taps = new Map<string, Wiretap>();

beforeAll(async () => {
  const federation = await makeFederation({ eachCsv: planted });
  for (const bu of federation.units) taps.set(bu, await tap(federation, bu));
  cluster = new Cluster(federation, { agents: 'product', env: { TACIT_LOG: 'trace' } });
  needles = plantedNeedles(join(cluster.folder(federation.units[0]), 'data', 'learners.csv'));
  await cluster.connectAll();
}, 120_000);

afterAll(async () => {
  for (const wiretap of taps.values()) wiretap.close();
  await cluster?.stop();
});

it('no learner id and no value leaves a unit or enters a log (T7, T15, D-14)', async () => {
  const run = await cluster.completed(await cluster.propose(smallPlan('planted', 3)));
  expect(run).toMatchObject({ round: 4, survivorsMin: 5 });
  await cluster.coordinator.stop();
  for (const [bu, wiretap] of taps) {
    const uploaded = spentBy(storeOf(cluster, bu)).receipts.reduce((sum, r) => sum + r.bytes, 0);
    expect(wiretap.sent().length).toBeGreaterThan(uploaded);
    expect(wiretap.sent().includes('UploadContribution')).toBe(false);
    for (const seen of [`bu/${bu}`, 'Upload', 'Reveal']) {
      expect(wiretap.sent().includes(seen), `the tap shows ${seen}`).toBe(true);
    }
    expect(found(wiretap.sent(), needles), `${bu} sent`).toEqual([]);
    expect(found(wiretap.received(), needles), `${bu} received`).toEqual([]);
    expect(found(read(storeOf(cluster, bu)), needles), `${bu} stored`).toEqual([]);
    expect(found(read(cluster.federation.layout.log(bu)), needles), `${bu} logged`).toEqual([]);
  }
  const { layout } = cluster.federation;
  const store = read(join(layout.coordinator, 'coordinator.db'));
  expect(store.includes(run.runId)).toBe(true);
  expect(found(store, needles), 'coordinator stored').toEqual([]);
  expect(found(read(layout.log('coordinator')), needles), 'coordinator logged').toEqual([]);
  cluster.startCoordinator();
}, 120_000);

it('the same scan finds an id that an agent was made to send and to log', async () => {
  const [bu] = cluster.federation.units;
  const before = taps.get(bu)?.sent().length ?? 0;
  await cluster.agents.get(bu)?.stop();
  armFault(cluster.folder(bu), 'leak');
  await cluster.connectAgent(bu, testAgentCommand);
  await cluster.completed(await cluster.propose(smallPlan('leaking', 1)));
  const sent = taps.get(bu)?.sent() ?? Buffer.alloc(0);
  expect(found(sent.subarray(before), needles)).toEqual(['PLANTED-', '-learner']);
  const log = read(cluster.federation.layout.log(bu));
  expect(found(log, needles)).toEqual(['PLANTED-', '-learner']);
}, 120_000);

it('the same scan finds every needle, in every coding it knows', () => {
  const csv = read(join(cluster.folder(cluster.federation.units[0]), 'data', 'learners.csv'));
  expect(csv.includes(plantedId(7))).toBe(true);
  expect(found(csv, needles).length).toBe(4);
  expect(needles.length).toBe(64);
  for (const { name, bytes } of needles) {
    const around = Buffer.concat([Buffer.alloc(99, 1), bytes, Buffer.alloc(99, 2)]);
    expect(found(around, needles)).toContain(name);
    expect(bytes.length).toBeGreaterThanOrEqual(8);
  }
});

/** A file's bytes, with what SQLite keeps beside it. */
function read(file: string): Buffer {
  const parts = [file, `${file}-wal`].filter(existsSync);
  expect(parts).toContain(file);
  return Buffer.concat(parts.map((part) => readFileSync(part)));
}
