import { estimateScores, type HeadEstimates } from '@tacit/models/metrics/score-estimates.ts';
import { scoreHistogram } from '@tacit/models/metrics/score-histogram.ts';
import type { CompiledPlan } from '@tacit/proto/plan/compiled-plan.ts';
import type { PlanMechanisms } from '@tacit/proto/plan/mechanisms.ts';

/** What the federation itself can know of a model: read from one noised, charged sum. */
export interface Evaluation {
  /** Training rounds behind the model that was scored. */
  readonly trained: number;
  readonly version: number;
  readonly heads: Readonly<Record<string, HeadEstimates>>;
}

/** Reads a released evaluation sum; `survivors` noise shares are in it. */
export function decodeEvaluation(input: {
  run: {
    readonly plan: CompiledPlan;
    readonly mechanisms: PlanMechanisms;
    readonly version: number;
  };
  sum: Int32Array;
  survivors: number;
  trained: number;
}): Evaluation {
  const { run, sum, survivors, trained } = input;
  const { evaluation } = run.mechanisms;
  const heads = run.plan.contract.heads;
  const estimates = estimateScores({
    histogram: scoreHistogram(heads.length),
    sum: evaluation.decode(sum),
    noiseStdDev: evaluation.noiseStdDev(survivors),
  });
  const named = heads.map((head, i) => [head.name, estimates[i]] as const);
  return { trained, version: run.version, heads: Object.fromEntries(named) };
}
