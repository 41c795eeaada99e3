import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exits } from '@tacit/proto/problem.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './testing/cluster.ts';
import { agentConfigOf, editYaml, makeFederation, smallPlan } from './testing/federation.ts';
import { planted, plantedId } from './testing/planted.ts';
import { TestProcess, tacitCommand } from './testing/process.ts';

let cluster: Cluster;
/** The unit whose files a test spoils. */
let bu: string;
const file = 'learners.csv';

beforeAll(async () => {
  cluster = new Cluster(await makeFederation({ eachCsv: planted }), { agents: 'product' });
  bu = cluster.federation.units[2];
  await cluster.connectAll();
}, 120_000);

afterAll(() => cluster?.stop());

describe('a bad row is named in its own unit, which takes part all the same (T14, D-30)', () => {
  const edits: [string, Record<string, unknown>, (csv: string[][]) => string[][]][] = [
    [
      'a row with a cell too few',
      { code: 'csv-malformed', row: 5, cells: 27, expected: 28 },
      (rows) => rows.with(4, rows[4].slice(1)),
    ],
    [
      'a quote that is never closed',
      { code: 'csv-malformed', row: 4 },
      (rows) => withCell(rows, { row: 4, column: 'hints', value: '"1' }),
    ],
    [
      'a value that is not a number',
      { code: 'csv-not-a-number', row: 7, column: 'minutes' },
      (rows) => withCell(rows, { row: 7, column: 'minutes', value: 'NaN' }),
    ],
    [
      'a cell that is not text',
      { code: 'csv-encoding', row: 6, column: 'minutes' },
      (rows) => withCell(rows, { row: 6, column: 'minutes', value: '\xff' }),
    ],
    [
      'a learner without an id',
      { code: 'csv-value-missing', row: 3, column: 'learner_id' },
      (rows) => withCell(rows, { row: 3, column: 'learner_id', value: '' }),
    ],
  ];

  it.each(edits)(
    '%s',
    (name, facts, edit) =>
      withEditedFile(edit, () => expectRunWithRowsLeftOut(name, { ...facts, file })),
    120_000,
  );
});

describe('a wrong data file is named in its own unit, rounds go on without (T14, D-30)', () => {
  it('a column that is not there', async () => {
    const edit = (rows: string[][]) =>
      withCell(rows, { row: 1, column: 'spacing', value: 'spaced' });
    const facts = { code: 'csv-column-missing', row: 1, column: 'spacing', file };
    await withEditedFile(edit, () => expectRunWithout('missing column', facts));
  }, 120_000);

  it('a file that is missing', async () => {
    renameSync(dataFile(), `${dataFile()}.away`);
    await expectRunWithout('missing file', { code: 'csv-missing', file });
    renameSync(`${dataFile()}.away`, dataFile());
  }, 120_000);

  it('a file that was mended is read again, without a restart', async () => {
    const run = await cluster.completed(await cluster.propose(smallPlan('mended', 1)));
    expect(run.coverage[bu]).toBe(1);
  }, 120_000);
});

describe('a unit that did not agree to a plan refuses it, and the others go on (D-14)', () => {
  it('a field outside its charter: charter-feature; only its own log names it', async () => {
    const charter = join(cluster.folder(bu), 'charter.yaml');
    const good = readFileSync(charter, 'utf8');
    editYaml(charter, (yaml) => ({
      ...yaml,
      fields: (yaml.fields as string[]).filter((field) => field !== 'late_share'),
    }));
    await restartAgent();
    await expectRunWithout('charter', { code: 'charter-feature', fields: ['late_share'] });
    writeFileSync(charter, good);
  }, 120_000);

  it('no policy file: policy-missing, for every run', async () => {
    const policy = join(cluster.folder(bu), 'policy.yaml');
    renameSync(policy, `${policy}.away`);
    await restartAgent();
    await expectRunWithout('policy one', { code: 'policy-missing' });
    await expectRunWithout('policy two', { code: 'policy-missing' });
    renameSync(`${policy}.away`, policy);
    await restartAgent();
    const run = await cluster.completed(await cluster.propose(smallPlan('policy-back', 1)));
    expect(run.coverage[bu]).toBe(1);
  }, 120_000);
});

describe('an agent does not start', () => {
  const manifest = () => cluster.federation.layout.manifest;

  it('under a manifest with one byte changed', async () => {
    const good = readFileSync(manifest());
    const text = good
      .toString()
      .replace('"organisation": "logistics"', '"organisation": "logistiks"');
    expect(text).not.toBe(good.toString());
    writeFileSync(manifest(), text);
    expect(await startFails()).toEqual([exits.verification, 'manifest-unsigned']);
    writeFileSync(manifest(), good);
  });

  it('under a manifest whose signature is missing', async () => {
    const signature = join(cluster.federation.layout.federation, 'manifest.sig');
    const good = readFileSync(signature);
    rmSync(signature);
    expect(await startFails()).toEqual([exits.configuration, 'config-missing']);
    writeFileSync(signature, '');
    expect(await startFails()).toEqual([exits.verification, 'manifest-unsigned']);
    writeFileSync(signature, good);
  });

  it('when the manifest does not list it', async () => {
    const config = agentConfigOf(cluster.federation.layout, bu);
    const good = readFileSync(config);
    editYaml(config, (yaml) => ({ ...yaml, agentId: 'spiffe://demo/region/test/bu/nobody' }));
    expect(await startFails()).toEqual([exits.refused, 'manifest-not-listed']);
    writeFileSync(config, good);
  });
});

it('no log names a learner, and every process is the one that was started (D-14)', () => {
  for (const [name, agent] of cluster.agents) {
    expect(agent.running, name).toBe(true);
    expect(agent.printed()).not.toContain(plantedId(0).slice(0, 8));
  }
  expect(cluster.coordinator.running).toBe(true);
  expect(cluster.coordinator.printed()).not.toContain('late_share');
});

/** Runs a plan with one unusable row in a unit's file: only that unit's own log tells. */
async function expectRunWithRowsLeftOut(
  name: string,
  facts: Record<string, unknown>,
): Promise<void> {
  const logged = agent().printed().length;
  const told = cluster.coordinator.printed().length;
  const runId = await cluster.propose(smallPlan(name.replaceAll(' ', '-'), 1));
  const run = await cluster.completed(runId);
  expect(run).toMatchObject({ survivorsMin: 5, coverage: { [bu]: 1 } });
  const lines = linesSince(logged);
  expect(lines.filter(({ code }) => code === 'rows-dropped')).toEqual([
    expect.objectContaining({ level: 40, rows: 1, first: [expect.objectContaining(facts)] }),
  ]);
  expect(lines.filter(({ msg }) => msg === 'round refused')).toEqual([]);
  const events = await cluster.events(runId);
  expect(events.filter(({ type }) => type === 'waiting')).toEqual([]);
  expect(JSON.stringify(events) + cluster.coordinator.printed().slice(told)).not.toMatch(
    /csv-|rows-dropped|learners\.csv/,
  );
}

/** Runs a plan that the spoilt unit cannot take part in, and checks who is told what. */
async function expectRunWithout(name: string, facts: Record<string, unknown>): Promise<void> {
  const logged = agent().printed().length;
  const runId = await cluster.propose(smallPlan(name.replaceAll(' ', '-'), 1));
  const run = await cluster.completed(runId);
  expect(run).toMatchObject({ survivorsMin: 4, coverage: { [bu]: 0 } });
  const refusals = linesSince(logged).filter(({ msg }) => msg === 'round refused');
  expect(refusals.length).toBe(2);
  for (const refusal of refusals) expect(refusal).toMatchObject(facts);
  // The coordinator learns the code and nothing else.
  const told = (await cluster.events(runId)).find(
    (event) => event.type === 'waiting' && event.facts.bu === bu,
  );
  expect(told).toMatchObject({ type: 'waiting', code: facts.code });
  expect(JSON.stringify(told)).not.toMatch(/learners\.csv|late_share|minutes/);
}

/** What the spoilt unit's agent has logged after its first `logged` characters. */
function linesSince(logged: number): Record<string, unknown>[] {
  const lines = agent().printed().slice(logged).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Does something while the unit's data file is an edited one, its cells written as Latin-1. */
async function withEditedFile(
  edit: (csv: string[][]) => string[][],
  work: () => Promise<void>,
): Promise<void> {
  const good = readFileSync(dataFile(), 'latin1');
  const rows = good
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
  writeFileSync(dataFile(), edit(rows).join('\n'), 'latin1');
  try {
    await work();
  } finally {
    writeFileSync(dataFile(), good, 'latin1');
  }
}

function withCell(
  rows: string[][],
  cell: { row: number; column: string; value: string },
): string[][] {
  const cells = rows[cell.row - 1].with(rows[0].indexOf(cell.column), cell.value);
  return rows.with(cell.row - 1, cells);
}

function dataFile(): string {
  return join(cluster.folder(bu), 'data', file);
}

function agent(): TestProcess {
  const running = cluster.agents.get(bu);
  if (!running) throw new Error(`${bu} was never started`);
  return running;
}

async function restartAgent(): Promise<void> {
  await agent().stop();
  await cluster.connectAgent(bu);
}

/** Exit and code of a second agent that is started with the spoilt files. */
async function startFails(): Promise<[number | null, string | undefined]> {
  const { layout } = cluster.federation;
  const started = new TestProcess({
    command: tacitCommand('agent', '--config', agentConfigOf(layout, bu), '--json'),
    log: layout.log('refused-start'),
  });
  const { code } = await started.ended;
  const problem = JSON.parse(started.printed().trimEnd().split('\n').at(-1) ?? '{}');
  return [code, problem.data?.code];
}
