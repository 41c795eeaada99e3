import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFederation, writeConfigs } from '@tacit/cli/demo/federation.ts';
import { type DemoLayout, demoLayout } from '@tacit/cli/demo/layout.ts';
import { syntheticDemo } from '@tacit/cli/demo/plans.ts';
import { freePort } from '@tacit/cli/demo/processes.ts';
import type { DemoData, DemoUnit } from '@tacit/cli/demo/units.ts';
import { drawUnit } from '@tacit/models/synthetic/cohort.ts';
import { cohortUnits } from '@tacit/models/synthetic/units.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { type AuthoredPlan, authoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import { parse, stringify } from 'yaml';

/** Everything of one federation in a folder of its own, before any process starts. */
export interface TestFederation {
  readonly layout: DemoLayout;
  /** What `tacit demo` would have kept of it. */
  readonly data: DemoData;
  /** Business units in the order of the manifest. */
  readonly units: readonly string[];
  /** Where `writeConfigs` told everybody to find the coordinator. */
  readonly port: number;
  remove(): void;
}

/** Deadlines that only something broken misses, even on a busy machine. */
const deadlinesMs = { setup: 60_000, upload: 60_000, survivors: 30_000, reveal: 30_000 };

/** Room in every policy for many small runs, none of which comes near it. */
const generous: AuthoredPlan = authoredPlan.parse({
  ...syntheticDemo.plan,
  training: { ...syntheticDemo.plan.training, rounds: 1000 },
  budget: { ...syntheticDemo.plan.budget, epsilon: 100, evaluationEpsilon: 100 },
});

/** A small plan on the synthetic contract: a few training rounds, then one evaluation. */
export function smallPlan(name: string, rounds: number): AuthoredPlan {
  const { plan } = syntheticDemo;
  return authoredPlan.parse({
    ...plan,
    name,
    training: { ...plan.training, rounds },
    evaluation: { afterRounds: [rounds] },
  });
}

/**
 * Makes keys, certificates, a signed manifest and a few learners for each of five units: one may
 * collude, four are the fewest survivors.
 */
export async function makeFederation(
  options: {
    /** What becomes of the learners drawn for a unit. */
    eachCsv?: (csv: string, bu: string) => string;
    /** How long a slot waits for an upload: short where a test makes one miss it. */
    uploadMs?: number;
  } = {},
): Promise<TestFederation> {
  const { eachCsv = (csv: string) => csv, uploadMs = deadlinesMs.upload } = options;
  const folder = mkdtempSync(join(tmpdir(), 'tacit-'));
  const layout = demoLayout(folder);
  const specs = cohortUnits.slice(0, 5).map((spec) => ({ ...spec, learners: 60 }));
  const units = specs.map((spec): DemoUnit => {
    const data = join(layout.agent(spec.bu), 'data');
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'learners.csv'), eachCsv(drawUnit(spec, 7).csv, spec.bu));
    return {
      bu: spec.bu,
      region: 'test',
      source: { kind: 'csv', file: 'data/learners.csv' },
      declaredLearners: { training: 50, heldOut: 50 },
    };
  });
  const data: DemoData = { ...syntheticDemo, name: 'synthetic', plan: generous, units };
  await createFederation(data, layout, Date.now());
  const port = await freePort(0);
  if (isRefusal(port)) throw new Error(port.refused);
  writeConfigs(units, layout, port);
  const deadlines = { ...deadlinesMs, upload: uploadMs };
  editYaml(layout.coordinatorConfig, (config) => ({ ...config, deadlinesMs: deadlines }));
  for (const { bu } of units) {
    const reconnectMs = { first: 100, most: 500 };
    editYaml(agentConfigOf(layout, bu), (config) => ({ ...config, reconnectMs }));
  }
  return {
    layout,
    data,
    units: units.map(({ bu }) => bu).sort(),
    port,
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** The configuration file of one unit's agent. */
export function agentConfigOf(layout: DemoLayout, bu: string): string {
  return join(layout.agent(bu), 'agent.yaml');
}

/** Rewrites a configuration file. */
export function editYaml(
  file: string,
  edit: (config: Record<string, unknown>) => Record<string, unknown>,
): void {
  writeFileSync(file, stringify(edit(parse(readFileSync(file, 'utf8')))));
}
