import type { SourceSpec } from '@tacit/client-agent/data/source.ts';
import type { LearnerData } from '@tacit/client-agent/driver/learner-data.ts';
import { loadLearnerData } from '@tacit/client-agent/driver/learner-data.ts';
import type { Backend } from '@tacit/models/backend-port.ts';
import { auc, columnOf } from '@tacit/models/metrics/exact.ts';
import type { Dataset } from '@tacit/models/network/dataset.ts';
import type { Network } from '@tacit/models/network/network.ts';
import { predict } from '@tacit/models/network/predict.ts';
import { noiseMultiplierFor } from '@tacit/privacy/accounting/calibrate.ts';
import { gridFor } from '@tacit/privacy/mechanism/mechanism.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import type { AuthoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import { contractNamed } from '@tacit/proto/plan/contract-named.ts';
import { budgetedRounds } from '@tacit/proto/plan/mechanisms.ts';
import { networkOf } from '@tacit/proto/plan/network-of.ts';
import type { DemoPlan } from './plans.ts';
import { trainPlainly, trainPrivately } from './train-centrally.ts';

/** AUC on all held-out learners, by outcome head. */
export type HeadAucs = Readonly<Record<string, number>>;

/** What a real federation cannot see: figures that need every unit's learners in one place. */
export interface Baselines {
  /** Every held-out learner scored by its own unit's model. */
  readonly local: HeadAucs;
  readonly localPrivate: HeadAucs;
  /** One model trained on everybody's learners without privacy. */
  readonly central: HeadAucs;
}

/** Everything the demonstration's driver needs to compare models on all held-out learners. */
export interface Bench {
  readonly backend: Backend;
  readonly plan: AuthoredPlan;
  readonly recipes: DemoPlan['recipes'];
  readonly network: Network;
  readonly heads: readonly string[];
  readonly units: readonly { readonly bu: string; readonly data: LearnerData }[];
}

/** Reads every unit's learners: only a demonstration may. */
export function openBench(input: {
  backend: Backend;
  plan: AuthoredPlan;
  recipes: DemoPlan['recipes'];
  units: readonly { readonly bu: string; readonly source: SourceSpec }[];
}): Bench | Refusal {
  const contract = contractNamed(input.plan.contract);
  if (isRefusal(contract)) return contract;
  const units: { bu: string; data: LearnerData }[] = [];
  for (const { bu, source } of input.units) {
    const data = loadLearnerData({ source, contract, split: input.plan.split });
    if (isRefusal(data)) return data;
    units.push({ bu, data });
  }
  const network = networkOf({ authored: input.plan, contract: structuredClone(contract) as never });
  const heads = contract.heads.map((head) => head.name);
  return { ...input, network, heads, units };
}

/** Trains the three baselines. */
export function computeBaselines(bench: Bench): Baselines | Refusal {
  const { backend, network, plan } = bench;
  const quantiser = quantiserOf(bench);
  if (isRefusal(quantiser)) return quantiser;
  const local = bench.units.map(({ bu, data }) =>
    trainPlainly({
      backend,
      network,
      plan,
      data: data.training,
      stream: bu,
      recipe: bench.recipes.local,
    }),
  );
  const localPrivate = bench.units.map(({ bu, data }) =>
    trainPrivately({ backend, network, plan, data: data.training, stream: bu, ...quantiser }),
  );
  const everybody = union(bench.units.map(({ data }) => data.training));
  const recipe = bench.recipes.central;
  const stream = 'central';
  const central = trainPlainly({ backend, network, plan, data: everybody, stream, recipe });
  return {
    local: scoreAll(bench, (unit) => local[unit]),
    localPrivate: scoreAll(bench, (unit) => localPrivate[unit]),
    central: scoreAll(bench, () => central),
  };
}

/** Exact AUC of each head over all units' held-out learners, scored by their own unit's model. */
export function scoreAll(bench: Bench, modelOf: (unit: number) => Float32Array): HeadAucs {
  const { backend, network } = bench;
  const scores = bench.units.map(({ data }, unit) =>
    predict({ backend, network, parameters: modelOf(unit), rows: data.heldOut.rows }),
  );
  const allScores = concatenate(scores);
  const allLabels = concatenate(bench.units.map(({ data }) => data.heldOut.labels));
  const count = bench.heads.length;
  return Object.fromEntries(
    bench.heads.map((name, head) => [
      name,
      auc({
        scores: columnOf(allScores, count, head),
        labels: columnOf(allLabels, count, head),
      }),
    ]),
  );
}

/** Clip and grid of the plan with the noise of a unit that trusts itself and shares with nobody. */
function quantiserOf(bench: Bench) {
  const { training, budget } = bench.plan;
  const noise = noiseMultiplierFor({
    epsilon: budget.epsilon,
    delta: budget.delta,
    rate: training.rate,
    rounds: budgetedRounds(bench.plan).training,
    order: budget.filterOrders.training,
  });
  if (isRefusal(noise)) return noise;
  const { dimension } = bench.network;
  const deltaGrid = gridFor({ dimension, noiseMultiplier: noise.value, honestMin: 1 });
  const clip = training.clipNorm;
  const scale = (deltaGrid - Math.sqrt(dimension) / 2) / clip;
  return { quantiser: { scale, deltaGrid, clip }, noiseMultiplier: noise.value };
}

function union(parts: readonly Dataset[]): Dataset {
  const starts: number[] = [0];
  for (const part of parts) {
    const base = starts[starts.length - 1];
    for (const start of part.learnerRowStart.subarray(1)) starts.push(base + start);
  }
  return {
    rows: concatenate(parts.map((part) => part.rows)),
    labels: concatenate(parts.map((part) => part.labels)),
    learnerRowStart: Uint32Array.from(starts),
  };
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
