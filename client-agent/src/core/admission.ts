import { scoreHistogram } from '@tacit/models/metrics/score-histogram.ts';
import { checkContract, contractFields } from '@tacit/models/outcome/feature-contract.ts';
import { admit, type Charter } from '@tacit/privacy/budget/charter.ts';
import type { BuPolicy } from '@tacit/privacy/budget/policy.ts';
import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { RoundOpen } from '@tacit/privacy/secagg/message.ts';
import { type CompiledPlan, compiledPlan } from '@tacit/proto/plan/compiled-plan.ts';
import {
  budgetedRounds,
  mechanismFieldsOf,
  mechanismsOf,
  type PlanMechanisms,
  rateOf,
  vecFieldsOf,
} from '@tacit/proto/plan/mechanisms.ts';
import { modelBytes, modelHashOf } from '@tacit/proto/plan/model-bytes.ts';
import { networkOf, startOf } from '@tacit/proto/plan/network-of.ts';
import { type RoundPurpose, type ScheduledRound, scheduleOf } from '@tacit/proto/plan/schedule.ts';
import { parseChecked } from '@tacit/proto/schema/check.ts';
import type { SignedManifest } from '@tacit/proto/schema/manifest.ts';

/** A plan this agent has checked and admits, with everything it derived from it itself. */
export interface AdmittedPlan {
  readonly plan: CompiledPlan;
  readonly planHash: string;
  readonly mechanisms: PlanMechanisms;
  readonly schedule: readonly ScheduledRound[];
  /** This unit's own line of the plan. */
  readonly self: CompiledPlan['participants'][number];
  /** For the officer's eyes; they stop nothing. */
  readonly warnings: readonly Refusal[];
}

/** Against what a plan is judged: this unit's own files and the signed manifest. */
export interface Judge {
  readonly agentId: string;
  readonly manifest: SignedManifest;
  readonly policy: BuPolicy | undefined;
  readonly charter: Charter | undefined;
}

/**
 * Parses a plan's bytes and judges them by manifest, policy and charter. Nothing about a learner is
 * looked at, so a refusal releases nothing.
 */
export function admitPlan(bytes: Uint8Array, judge: Judge): AdmittedPlan | Refusal {
  const text = new TextDecoder().decode(bytes);
  const plan = parseChecked({ text, file: 'plan', schema: compiledPlan });
  if (isRefusal(plan)) return plan;
  const mechanisms = mechanismsOf(plan);
  if (isRefusal(mechanisms)) return mechanisms;
  const self = plan.participants.find((participant) => participant.agentId === judge.agentId);
  if (!self) return refuse('manifest-not-listed', { agentId: judge.agentId, plan: plan.runId });
  const wrong =
    checkOrigin(plan, judge) ??
    checkContract(plan.contract) ??
    checkShape(plan) ??
    checkStart(plan);
  if (wrong) return wrong;
  const purposes: RoundPurpose[] = ['training', 'evaluation'];
  const rounds = budgetedRounds(plan.authored);
  const admission = admit({
    plan: {
      bu: self.bu,
      purpose: plan.authored.purpose,
      modelKind: plan.authored.model.kind,
      fields: contractFields(plan.contract),
      split: plan.split,
      learnerField: plan.contract.learnerField,
      rowsPerLearnerMax: plan.contract.rowsPerLearnerMax,
      declaredLearners: self.declaredTraining + self.declaredHeldOut,
      sums: purposes.map((purpose) => ({
        population: purpose,
        rounds: rounds[purpose],
        rate: rateOf(purpose, self),
        survivorsMin: plan[purpose].survivorsMin,
        colluders: plan[purpose].colluders,
      })),
    },
    policy: judge.policy,
    charter: judge.charter,
  });
  if (isRefusal(admission)) return admission;
  const schedule = scheduleOf(plan.authored);
  const { warnings } = admission;
  return { plan, planHash: hex(sha256(bytes)), mechanisms, schedule, self, warnings };
}

/** Whether an opened round is the one the plan says, number by number; else the refusal. */
export function checkRound(admitted: AdmittedPlan, open: RoundOpen): Refusal | ScheduledRound {
  const { plan, mechanisms, schedule } = admitted;
  const scheduled = schedule[open.round];
  if (open.runId !== plan.runId || !scheduled) {
    return refuse('plan-round', { runId: open.runId, round: open.round, rounds: schedule.length });
  }
  const mechanism = mechanisms[scheduled.purpose];
  const expected = {
    ...mechanismFieldsOf(mechanism),
    ...vecFieldsOf(scheduled.purpose, mechanism),
  };
  const announced: Record<string, unknown> = { ...open.mechanism, ...open.vec };
  for (const [field, value] of Object.entries(expected)) {
    if (announced[field] === value) continue;
    return refuse('plan-mechanism', { field, announced: String(announced[field]), planned: value });
  }
  const first = scheduled.round === 0;
  if (first && hex(open.modelHash) !== plan.initialModelHash) {
    return refuse('plan-initial-model', { planned: plan.initialModelHash, round: 0 });
  }
  if (open.attempt >= plan.authored.attempts) {
    return refuse('plan-attempts', { attempt: open.attempt + 1, most: plan.authored.attempts });
  }
  return scheduled;
}

function checkOrigin(plan: CompiledPlan, judge: Judge): Refusal | undefined {
  const manifestHash = hex(judge.manifest.hash);
  if (plan.manifestHash !== manifestHash) {
    return refuse('plan-manifest', { planned: plan.manifestHash, own: manifestHash });
  }
  const { file } = judge.manifest;
  const listed = file.agents.find((agent) => agent.agentId === judge.agentId);
  const self = plan.participants.find((participant) => participant.agentId === judge.agentId);
  const same =
    listed &&
    self &&
    listed.bu === self.bu &&
    listed.declaredLearners.training === self.declaredTraining &&
    listed.declaredLearners.heldOut === self.declaredHeldOut;
  return same ? undefined : refuse('plan-manifest', { agentId: judge.agentId });
}

/** The vectors' lengths and sensitivities must be those of what this agent will really send. */
function checkShape(plan: CompiledPlan): Refusal | undefined {
  const dimension = networkOf(plan).dimension;
  const histogram = scoreHistogram(plan.contract.heads.length);
  const expected = [
    ['training.pipeline', plan.training.pipeline, 'reference-nearest/v1'],
    ['training.dimension', plan.training.dimension, dimension],
    ['evaluation.pipeline', plan.evaluation.pipeline, 'counts/v1'],
    ['evaluation.dimension', plan.evaluation.dimension, histogram.dimension],
    ['evaluation.deltaGrid', plan.evaluation.deltaGrid, histogram.deltaGrid],
  ] as const;
  for (const [field, planned, own] of expected) {
    if (planned !== own) return refuse('plan-mechanism', { field, planned, own });
  }
  return undefined;
}

/** The run must start from the public seed, not from weights made up for somebody. */
function checkStart(plan: CompiledPlan): Refusal | undefined {
  const own = modelHashOf(modelBytes(plan, startOf(plan)));
  if (own === plan.initialModelHash) return undefined;
  return refuse('plan-initial-model', { planned: plan.initialModelHash, own });
}
