import type { AuthoredPlan } from './authored-plan.ts';

/** What one released sum of a run is for. */
export type RoundPurpose = 'training' | 'evaluation';

/** One round of a run. `trained` counts the training rounds done once it has ended. */
export interface ScheduledRound {
  readonly round: number;
  readonly purpose: RoundPurpose;
  readonly trained: number;
}

/**
 * Every round of a run in order: training rounds, with an evaluation round of its own after each
 * count the plan names. Coordinator and agents compute it alike: a round's purpose is never
 * negotiable.
 */
export function scheduleOf(plan: Pick<AuthoredPlan, 'training' | 'evaluation'>): ScheduledRound[] {
  const evaluateAfter = new Set(plan.evaluation.afterRounds);
  const rounds: ScheduledRound[] = [];
  for (let trained = 1; trained <= plan.training.rounds; trained++) {
    rounds.push({ round: rounds.length, purpose: 'training', trained });
    if (evaluateAfter.has(trained)) {
      rounds.push({ round: rounds.length, purpose: 'evaluation', trained });
    }
  }
  return rounds;
}
