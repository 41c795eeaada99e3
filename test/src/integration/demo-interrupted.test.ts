import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { coordinatorTables, type RunEvent } from '@tacit/coordinator/core/effect.ts';
import { exits } from '@tacit/proto/problem.ts';
import { openTables } from '@tacit/proto/store/tables.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFederation, smallPlan, type TestFederation } from './testing/federation.ts';
import { spentBy } from './testing/ledger.ts';
import { TestProcess, tacitCommand, until } from './testing/process.ts';

const trainingRounds = 60;

let federation: TestFederation;
let started: TestProcess[] = [];

beforeEach(async () => {
  federation = await makeFederation();
  // A folder with a stamp is one that an earlier start made: with fewer learners than the built-in.
  const plan = smallPlan('demo', trainingRounds);
  writeFileSync(federation.layout.stamp, JSON.stringify({ ...federation.data, plan }));
});

afterEach(async () => {
  await Promise.all(started.map((demo) => demo.kill()));
  started = [];
  federation.remove();
});

it('Ctrl-C ends every process, and a second start completes the same run (D-22)', async () => {
  const demo = startDemo();
  const children = await midRun(demo);
  demo.child.kill('SIGINT');
  expect(await demo.ended).toEqual({ code: exits.interrupted, signal: null });
  expect(children.filter(isAlive)).toEqual([]);
  const before = releasedRounds();
  expect(before.length).toBeGreaterThan(0);
  expect(before.length).toBeLessThan(trainingRounds);

  const second = startDemo();
  expect(await second.ended).toEqual({ code: exits.done, signal: null });
  const after = releasedRounds();
  expect(after.map(({ runId }) => runId)).toEqual(after.map(() => 'R-1'));
  expect(after.slice(0, before.length)).toEqual(before);
  expect(after.map(({ round }) => round)).toEqual([...Array(trainingRounds + 1).keys()]);
  for (const bu of federation.units) {
    const { charges } = spentBy(join(federation.layout.agent(bu), 'agent.db'));
    const uploads = after.filter(({ survivors }) => survivors.includes(bu)).length;
    expect(charges.length).toBeGreaterThanOrEqual(uploads);
  }
}, 180_000);

it('a demonstration that is killed with SIGKILL leaves no process behind (D-22)', async () => {
  const demo = startDemo();
  const children = await midRun(demo);
  await demo.kill();
  await until('every child is gone', () => children.filter(isAlive).length === 0);
}, 120_000);

function startDemo(): TestProcess {
  const { folder, log } = federation.layout;
  const demo = new TestProcess({
    command: tacitCommand('demo', '--folder', folder),
    log: log('demo'),
  });
  started.push(demo);
  return demo;
}

/** Waits for a released round; gives the demonstration's processes, one an agent and one more. */
async function midRun(demo: TestProcess): Promise<number[]> {
  await until('a round is released', () => /^round \d+/m.test(demo.printed()));
  const children = childrenOf(demo.child.pid);
  expect(children.length).toBe(federation.units.length + 1);
  return children;
}

function childrenOf(parent: number | undefined): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => parentOf(pid) === parent);
}

/** The fourth field of a process's status line; its name, in brackets, may hold spaces. */
function parentOf(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return status.slice(status.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
}

/** Every round in the coordinator's store, in the order of release. */
function releasedRounds(): { runId: string; round: number; survivors: readonly string[] }[] {
  const file = join(federation.layout.coordinator, 'coordinator.db');
  const tables = openTables({ file, tables: coordinatorTables, readOnly: true });
  const events = tables.entries('run_event');
  tables.close();
  return events.flatMap(([key, value]) => {
    const event = JSON.parse(new TextDecoder().decode(value)) as RunEvent;
    if (event.type !== 'round') return [];
    const { round, survivors } = event.record;
    return [{ runId: key.split('/')[0], round, survivors }];
  });
}
