import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sliceOulad } from '@tacit/client-agent/data/oulad-slices.ts';
import type { SourceSpec } from '@tacit/client-agent/data/source.ts';
import { learnerCount, loadLearnerData } from '@tacit/client-agent/driver/learner-data.ts';
import { drawCohort } from '@tacit/models/synthetic/cohort.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { AuthoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import { contractNamed } from '@tacit/proto/plan/contract-named.ts';
import type { DemoLayout } from './layout.ts';
import { type DemoPlan, ouladDemo, syntheticDemo } from './plans.ts';

/** One business unit of a demonstration: its own folder of learners, and what it declares. */
export interface DemoUnit {
  readonly bu: string;
  readonly region: string;
  /** Paths relative to the agent's folder. */
  readonly source: SourceSpec;
  readonly declaredLearners: { readonly training: number; readonly heldOut: number };
}

/** Learners and plan of a demonstration. */
export interface DemoData {
  readonly name: string;
  readonly plan: AuthoredPlan;
  readonly recipes: DemoPlan['recipes'];
  readonly units: readonly DemoUnit[];
}

/** Seed of the built-in cohort; any other gives other learners of the same kind. */
const cohortSeed = 1;

/** Declared counts are rounded to this, so that one learner more or less is not a public fact. */
const declaredTo = 50;

/** Writes every unit's learners into its own folder: built-in ones, or `oulad=<folder>`. */
export function prepareUnits(data: string | undefined, layout: DemoLayout): DemoData | Refusal {
  if (data === undefined) return synthetic(layout);
  const [kind, folder] = splitOnce(data);
  if (kind === 'oulad' && folder) return oulad(folder, layout);
  return refuse('usage', { option: '--data', value: data, known: ['oulad=<folder>'] });
}

function synthetic(layout: DemoLayout): DemoData | Refusal {
  const places: Placed[] = drawCohort(cohortSeed).map((unit) => {
    const folder = join(layout.agent(unit.bu), 'data');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'learners.csv'), unit.csv);
    return {
      bu: unit.bu,
      region: 'demo',
      source: { kind: 'csv', file: 'data/learners.csv' },
      read: { kind: 'csv', file: join(folder, 'learners.csv') },
    };
  });
  return declared({ name: 'synthetic', ...syntheticDemo, places });
}

function oulad(folder: string, layout: DemoLayout): DemoData | Refusal {
  const slices = sliceOulad(folder, join(layout.folder, 'agents'));
  if (isRefusal(slices)) return slices;
  const places: Placed[] = slices.map(({ bu, folder: own }) => ({
    bu,
    region: bu,
    source: { kind: 'oulad', folder: '.' },
    read: { kind: 'oulad', folder: own },
  }));
  return declared({ name: `oulad=${folder}`, ...ouladDemo, places });
}

interface Placed {
  readonly bu: string;
  readonly region: string;
  readonly source: SourceSpec;
  readonly read: SourceSpec;
}

function declared(input: {
  name: string;
  plan: AuthoredPlan;
  recipes: DemoPlan['recipes'];
  places: readonly Placed[];
}): DemoData | Refusal {
  const contract = contractNamed(input.plan.contract);
  if (isRefusal(contract)) return contract;
  const units: DemoUnit[] = [];
  for (const { bu, region, source, read } of input.places) {
    const data = loadLearnerData({ source: read, contract, split: input.plan.split });
    if (isRefusal(data)) return data;
    const round = (count: number) =>
      Math.max(declaredTo, Math.round(count / declaredTo) * declaredTo);
    units.push({
      bu,
      region,
      source,
      declaredLearners: {
        training: round(learnerCount(data.training)),
        heldOut: round(learnerCount(data.heldOut)),
      },
    });
  }
  return { name: input.name, plan: input.plan, recipes: input.recipes, units };
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
