import { scoreHistogram } from '@tacit/models/metrics/score-histogram.ts';
import { checkContract, type FeatureContract } from '@tacit/models/outcome/feature-contract.ts';
import { noiseMultiplierFor, rateFor } from '@tacit/privacy/accounting/calibrate.ts';
import { filterBudget } from '@tacit/privacy/accounting/convert.ts';
import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { gridFor } from '@tacit/privacy/mechanism/mechanism.ts';
import {
  rateToThreshold,
  sampleSizeMax,
  thresholdToRate,
} from '@tacit/privacy/mechanism/poisson.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { deriveParameters } from '@tacit/privacy/secagg/parameters.ts';
import type { AuthoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import type { CompiledPlan, PlanMechanism } from '@tacit/proto/plan/compiled-plan.ts';
import { budgetedRounds, mechanismsOf } from '@tacit/proto/plan/mechanisms.ts';
import { modelBytes, modelHashOf } from '@tacit/proto/plan/model-bytes.ts';
import { networkOf, startOf } from '@tacit/proto/plan/network-of.ts';
import type { SignedManifest } from '@tacit/proto/schema/manifest.ts';

/**
 * Derives everything a run needs from what an ML engineer wrote and the signed manifest: the noise
 * multipliers, the grid, and each unit's sampling rate, so that every unit stays inside its own
 * budget. Refuses with the reason when nothing can be derived.
 */
export function compilePlan(input: {
  authored: AuthoredPlan;
  contract: FeatureContract;
  manifest: SignedManifest;
  runId: string;
}): CompiledPlan | Refusal {
  const { authored, contract, manifest, runId } = input;
  const wrong = checkContract(contract) ?? checkAuthored(authored, manifest);
  if (wrong) return wrong;
  const roster = manifest.file.agents.length;
  const parameters = deriveParameters(manifest.manifest, roster);
  if (isRefusal(parameters)) return parameters;
  const shared = {
    survivorsMin: parameters.nMin,
    colluders: parameters.c,
    ringBits: 32 as const,
    rosterSize: roster,
  };
  const noise = trainingNoise(authored);
  if (isRefusal(noise)) return noise;
  const participants = participantsOf({ authored, manifest, noiseMultiplier: noise });
  if (isRefusal(participants)) return participants;
  const contractData = structuredClone(contract) as CompiledPlan['contract'];
  const shape = { runId, authored, contract: contractData };
  const training = trainingMechanism({ shape, shared, noise, participants });
  const evaluation = evaluationMechanism({ shape, shared, manifest });
  if (isRefusal(evaluation)) return evaluation;
  const plan: CompiledPlan = {
    apiVersion: 'tacit/v1',
    kind: 'CompiledPlan',
    federationId: manifest.file.federationId,
    manifestHash: hex(manifest.hash),
    ...shape,
    split: authored.split,
    training,
    evaluation,
    denominator: expectedDrawn(participants),
    initialModelHash: modelHashOf(modelBytes(shape, startOf(shape))),
    participants,
  };
  const mechanisms = mechanismsOf(plan);
  return isRefusal(mechanisms) ? mechanisms : plan;
}

function checkAuthored(authored: AuthoredPlan, manifest: SignedManifest): Refusal | undefined {
  const { rounds } = authored.training;
  const late = authored.evaluation.afterRounds.find((after) => after > rounds);
  if (late !== undefined) {
    return refuse('plan-invalid', { key: 'evaluation.afterRounds', value: late, max: rounds });
  }
  const { kind, hidden } = authored.model;
  if ((kind === 'outcome-mlp') !== hidden.length > 0) {
    return refuse('plan-invalid', { key: 'model.hidden', model: kind, layers: hidden.length });
  }
  const wrongOrder = checkOrders(authored);
  if (wrongOrder) return wrongOrder;
  const known = new Set(manifest.file.agents.map((agent) => agent.bu));
  const stranger = Object.keys(authored.budget.perBu).find((bu) => !known.has(bu));
  if (stranger) return refuse('plan-invalid', { key: 'budget.perBu', bu: stranger });
  return undefined;
}

/** At too low an order the filter holds nothing at all, whatever the noise. */
function checkOrders({ budget }: AuthoredPlan): Refusal | undefined {
  const { epsilon, evaluationEpsilon, filterOrders, delta } = budget;
  const accounts = [
    { epsilon, filterOrder: filterOrders.training },
    { epsilon: evaluationEpsilon, filterOrder: filterOrders.evaluation },
    ...Object.values(budget.perBu),
  ];
  const low = accounts.find((a) => !(filterBudget(a.filterOrder, a.epsilon, delta) > 0));
  return low && refuse('budget-order-too-low', { ...low, delta });
}

/** What the unit with the largest epsilon may spend: noise is sized for it, rates for the rest. */
function largestBudget({ budget }: AuthoredPlan): { epsilon: number; filterOrder: number } {
  const own = { epsilon: budget.epsilon, filterOrder: budget.filterOrders.training };
  return Object.values(budget.perBu).reduce((a, b) => (b.epsilon > a.epsilon ? b : a), own);
}

function trainingNoise(authored: AuthoredPlan): number | Refusal {
  const { budget, training } = authored;
  const { epsilon, filterOrder } = largestBudget(authored);
  const found = noiseMultiplierFor({
    epsilon,
    delta: budget.delta,
    rate: thresholdToRate(rateToThreshold(training.rate)),
    rounds: budgetedRounds(authored).training,
    order: filterOrder,
  });
  return isRefusal(found) ? found : found.value;
}

function participantsOf(input: {
  authored: AuthoredPlan;
  manifest: SignedManifest;
  noiseMultiplier: number;
}): CompiledPlan['participants'] | Refusal {
  const participants: CompiledPlan['participants'] = [];
  for (const agent of input.manifest.file.agents) {
    const rate = rateWithin(input.authored, {
      bu: agent.bu,
      noiseMultiplier: input.noiseMultiplier,
    });
    if (isRefusal(rate)) return refuse(rate.refused, { ...rate.facts, bu: agent.bu });
    participants.push({
      agentId: agent.agentId,
      bu: agent.bu,
      rateThreshold: rateToThreshold(rate),
      declaredTraining: agent.declaredLearners.training,
      declaredHeldOut: agent.declaredLearners.heldOut,
    });
  }
  return participants;
}

/** The largest rate at which a unit stays inside its own budget, and at most the plan's. */
function rateWithin(
  authored: AuthoredPlan,
  unit: { bu: string; noiseMultiplier: number },
): number | Refusal {
  const { budget, training } = authored;
  const own = { epsilon: budget.epsilon, filterOrder: budget.filterOrders.training };
  const { epsilon, filterOrder } = budget.perBu[unit.bu] ?? own;
  const largest = largestBudget(authored);
  if (epsilon === largest.epsilon && filterOrder === largest.filterOrder) return training.rate;
  const found = rateFor({
    epsilon,
    delta: budget.delta,
    noiseMultiplier: unit.noiseMultiplier,
    rounds: budgetedRounds(authored).training,
    order: filterOrder,
  });
  return isRefusal(found) ? found : Math.min(found.value, training.rate);
}

type Shape = Pick<CompiledPlan, 'runId' | 'authored' | 'contract'>;
type Shared = Pick<PlanMechanism, 'survivorsMin' | 'colluders' | 'ringBits' | 'rosterSize'>;

function trainingMechanism(input: {
  shape: Shape;
  shared: Shared;
  noise: number;
  participants: CompiledPlan['participants'];
}): PlanMechanism {
  const { shape, shared, noise, participants } = input;
  const dimension = networkOf(shape).dimension;
  const honestMin = shared.survivorsMin - shared.colluders;
  return {
    pipeline: 'reference-nearest/v1',
    dimension,
    clipNorm: shape.authored.training.clipNorm,
    deltaGrid: gridFor({ dimension, noiseMultiplier: noise, honestMin }),
    noiseMultiplier: noise,
    ...shared,
    learnersPerSumMax: sum(
      participants.map((p) => sampleSizeMax(p.declaredTraining, thresholdToRate(p.rateThreshold))),
    ),
  };
}

function evaluationMechanism(input: {
  shape: Shape;
  shared: Shared;
  manifest: SignedManifest;
}): PlanMechanism | Refusal {
  const { shape, shared, manifest } = input;
  const { budget } = shape.authored;
  const histogram = scoreHistogram(shape.contract.heads.length);
  const noiseMultiplier = noiseMultiplierFor({
    epsilon: budget.evaluationEpsilon,
    delta: budget.delta,
    rate: 1,
    rounds: budgetedRounds(shape.authored).evaluation,
    order: budget.filterOrders.evaluation,
  });
  if (isRefusal(noiseMultiplier)) return noiseMultiplier;
  return {
    pipeline: 'counts/v1',
    dimension: histogram.dimension,
    clipNorm: histogram.deltaGrid,
    deltaGrid: histogram.deltaGrid,
    noiseMultiplier: noiseMultiplier.value,
    ...shared,
    learnersPerSumMax: sum(manifest.file.agents.map((agent) => agent.declaredLearners.heldOut)),
  };
}

function expectedDrawn(participants: CompiledPlan['participants']): number {
  return sum(participants.map((p) => p.declaredTraining * thresholdToRate(p.rateThreshold)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
