import {
  initialOptimizerState,
  type OptimizerState,
  serverStep,
} from '@tacit/models/network/optimizer.ts';
import { fromHex } from '@tacit/privacy/crypto/bytes.ts';
import { type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type {
  RoundWanted,
  SlotFailed,
  SlotResult,
} from '@tacit/privacy/secagg/coordinator/event.ts';
import type { CompiledPlan } from '@tacit/proto/plan/compiled-plan.ts';
import {
  mechanismFieldsOf,
  type PlanMechanisms,
  vecFieldsOf,
} from '@tacit/proto/plan/mechanisms.ts';
import { modelBytes, modelHashOf } from '@tacit/proto/plan/model-bytes.ts';
import type { ModelVersion } from '@tacit/proto/plan/model-version.ts';
import { startOf } from '@tacit/proto/plan/network-of.ts';
import { optimizerOf } from '@tacit/proto/plan/optimizer-of.ts';
import { type ScheduledRound, scheduleOf } from '@tacit/proto/plan/schedule.ts';
import { decodeEvaluation, type Evaluation } from './evaluation.ts';

/** The states a run goes through; the last three are final. */
export type RunStatus = 'running' | 'completed' | 'failed' | 'stopped';

/** What became of one round: which agents' contributions are in its sum. */
export interface RoundRecord {
  readonly round: number;
  readonly purpose: ScheduledRound['purpose'];
  readonly slot: number;
  readonly attempt: number;
  /** Business units whose contribution is in the sum. */
  readonly survivors: readonly string[];
}

/** Where a run stands. Immutable: a released sum or a failed slot makes the next one. */
export interface Run {
  readonly runId: string;
  readonly plan: CompiledPlan;
  readonly planHash: string;
  readonly mechanisms: PlanMechanisms;
  readonly schedule: readonly ScheduledRound[];
  readonly status: RunStatus;
  readonly failure?: Refusal;
  /** Index into the schedule of the round to do next, and how often it was tried. */
  readonly position: number;
  readonly attempt: number;
  readonly version: number;
  readonly modelHash: string;
  readonly parameters: Float32Array;
  readonly optimizer: OptimizerState;
  readonly rounds: readonly RoundRecord[];
  readonly evaluations: readonly Evaluation[];
}

/** A run before its first round. */
export function startRun(input: {
  plan: CompiledPlan;
  planHash: string;
  mechanisms: PlanMechanisms;
}): Run {
  const { plan } = input;
  const parameters = startOf(plan);
  return {
    ...input,
    runId: plan.runId,
    schedule: scheduleOf(plan.authored),
    status: 'running',
    position: 0,
    attempt: 0,
    version: 0,
    modelHash: plan.initialModelHash,
    parameters,
    optimizer: initialOptimizerState(optimizerOf(plan.authored), parameters.length),
    rounds: [],
    evaluations: [],
  };
}

/** The round to open next; undefined when the run has ended. */
export function wantedRound(run: Run): RoundWanted | undefined {
  if (run.status !== 'running') return undefined;
  const { round, purpose } = run.schedule[run.position];
  const mechanism = run.mechanisms[purpose];
  return {
    runId: run.runId,
    round,
    attempt: run.attempt,
    modelHash: fromHex(run.modelHash),
    planHash: fromHex(run.planHash),
    mechanism: mechanismFieldsOf(mechanism),
    vec: vecFieldsOf(purpose, mechanism),
  };
}

/** The run after a released sum: one step further, or one evaluation richer. */
export function applyResult(run: Run, result: SlotResult, units: readonly string[]): Run {
  const { purpose, round, trained } = run.schedule[run.position];
  const mechanism = run.mechanisms[purpose];
  const record: RoundRecord = {
    round,
    purpose,
    slot: result.slot,
    attempt: run.attempt,
    survivors: result.survivors.map((member) => units[member]),
  };
  const next = { ...advanced(run), rounds: [...run.rounds, record] };
  if (purpose === 'evaluation') {
    const survivors = result.survivors.length;
    const evaluation = decodeEvaluation({ run, sum: result.sum, survivors, trained });
    return { ...next, evaluations: [...run.evaluations, evaluation] };
  }
  const { parameters, state } = serverStep({
    parameters: run.parameters,
    state: run.optimizer,
    sum: mechanism.decode(result.sum),
    denominator: run.plan.denominator,
    round: trained,
  });
  const modelHash = modelHashOf(modelBytes(run.plan, parameters));
  return { ...next, version: run.version + 1, modelHash, parameters, optimizer: state };
}

/** The run after a burned slot: another attempt with fresh sample and noise, or the end. */
export function applyFailure(run: Run, failed: SlotFailed): Run {
  if (run.attempt + 1 < run.plan.authored.attempts) return { ...run, attempt: run.attempt + 1 };
  const { round } = run.schedule[run.position];
  const facts = { ...failed.facts, round, attempts: run.attempt + 1 };
  return { ...run, status: 'failed', failure: refuse(failed.code, facts) };
}

/** The record a coordinator signs for the run's current model. */
export function versionRecord(run: Run, parentHash: string): ModelVersion {
  return {
    apiVersion: 'tacit/v1',
    kind: 'ModelVersion',
    federationId: run.plan.federationId,
    runId: run.runId,
    version: run.version,
    modelHash: run.modelHash,
    parentHash,
    planHash: run.planHash,
  };
}

/** Share of training rounds each business unit's contribution is in. */
export function coverageOf(run: Run): Record<string, number> {
  const training = run.rounds.filter((record) => record.purpose === 'training');
  const share = (bu: string) =>
    training.filter((record) => record.survivors.includes(bu)).length / training.length;
  return Object.fromEntries(run.plan.participants.map(({ bu }) => [bu, share(bu)]));
}

function advanced(run: Run): Run {
  const position = run.position + 1;
  const status = position === run.schedule.length ? 'completed' : 'running';
  return { ...run, position, attempt: 0, status };
}
