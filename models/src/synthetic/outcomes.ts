import { logistic } from './skills.ts';

/** The outcome columns, in the order of every list of probabilities. */
export const outcomes = ['gain', 'retention', 'engagement', 'transfer'] as const;

/** How often each outcome gets known: few answer a survey about transfer. */
export const observedShare = [1, 0.8, 1, 0.6] as const;

/** What the outcomes of one enrolment depend on. */
export interface Situation {
  /** Of the course: 0 easy to 2 hard. */
  readonly level: number;
  /** Of the course, one an outcome, on the logit scale. */
  readonly effects: readonly number[];
  /** Mean ability over the skills of the course, weighted as the course does. */
  readonly mastery: number;
  readonly diligence: number;
  /** Days active by sessions: 1 when no day saw two sessions. */
  readonly spacing: number;
  /** The unit's shift on the logit scale. */
  readonly shift: number;
}

/**
 * The true probability of each outcome: what the learner brings, and what the course does by
 * itself. One learns most from a course a little above one's mastery, and takes to the job what one
 * both can do and works at. A unit that seldom assigns a course cannot learn its effect alone.
 */
export function outcomeProbabilities(situation: Situation): number[] {
  const { level, effects, mastery, diligence, spacing, shift } = situation;
  const stretch = level - 1 - mastery;
  const logits = [
    0.4 + 0.8 * diligence - 0.35 * (stretch - 0.3) ** 2,
    0.2 + 1.2 * mastery + 2 * (spacing - 0.7),
    0.4 + 1.1 * diligence - 0.8 * Math.max(stretch, 0),
    0.2 + 0.6 * (mastery + diligence) + 0.8 * Math.min(mastery, diligence),
  ];
  return logits.map((logit, i) => logistic(logit + effects[i]! + shift));
}
