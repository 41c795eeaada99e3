import type { PrivacyEvent } from '@tacit/privacy/accounting/event.ts';
import { compileMechanism, type Mechanism } from '@tacit/privacy/mechanism/mechanism.ts';
import { thresholdToRate } from '@tacit/privacy/mechanism/poisson.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import type { MechanismFields, VecFields } from '@tacit/privacy/secagg/message.ts';
import type { AuthoredPlan } from './authored-plan.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import type { RoundPurpose } from './schedule.ts';

/** The mechanism of each kind of sum in a plan, derived alike by coordinator and agents. */
export type PlanMechanisms = Readonly<Record<RoundPurpose, Mechanism>>;

/** Compiles both mechanisms of a plan or gives the refusal of the first that cannot be. */
export function mechanismsOf(
  plan: Pick<CompiledPlan, 'training' | 'evaluation'>,
): PlanMechanisms | Refusal {
  const training = compileMechanism(plan.training);
  if (isRefusal(training)) return training;
  const evaluation = compileMechanism(plan.evaluation);
  if (isRefusal(evaluation)) return evaluation;
  return { training, evaluation };
}

/** Evaluation sums set aside for slots that are burned after an upload left. */
const spareEvaluations = 1;

/** Sums of each kind a run may release, those for burned slots included. */
export function budgetedRounds(
  authored: Pick<AuthoredPlan, 'training' | 'evaluation'>,
): Record<RoundPurpose, number> {
  return {
    training: authored.training.rounds + authored.training.spareRounds,
    evaluation: authored.evaluation.afterRounds.length + spareEvaluations,
  };
}

/** One learner's chance to be in a sum: sampled for training, certain for evaluation. */
export function rateOf(purpose: RoundPurpose, participant: { rateThreshold: number }): number {
  return purpose === 'training' ? thresholdToRate(participant.rateThreshold) : 1;
}

/** What one participant sets aside for a whole run, at the floor of honest noise shares. */
export function floorEvent(input: {
  purpose: RoundPurpose;
  mechanisms: PlanMechanisms;
  participant: { rateThreshold: number };
  rounds: number;
}): PrivacyEvent {
  const mechanism = input.mechanisms[input.purpose];
  const rate = rateOf(input.purpose, input.participant);
  return mechanism.event({ rate, honest: mechanism.honestMin, rounds: input.rounds });
}

/** The mechanism as a round announces it; every number is hashed into the transcript. */
export function mechanismFieldsOf(mechanism: Mechanism): MechanismFields {
  const fields = mechanism.privacyFields();
  return {
    id: fields.id,
    clipNorm: fields.clipNorm,
    scale: fields.scale,
    sensitivity: fields.deltaGrid,
    shareVariance: fields.sigmaLocalSquared,
    nMin: fields.survivorsMin,
    c: fields.colluders,
  };
}

/** The vector of a round as it is announced. */
export function vecFieldsOf(purpose: RoundPurpose, mechanism: Mechanism): VecFields {
  return { kind: purpose, length: mechanism.spec.dimension, ringBits: mechanism.spec.ringBits };
}
