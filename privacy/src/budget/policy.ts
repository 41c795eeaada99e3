/** The two disjoint groups of a unit's learners (PRIVACY.md section 11); each has its account. */
export type Population = 'training' | 'evaluation';

/** A ceiling on what a learner of one population may lose in a period. */
export interface Ceiling {
  readonly epsilon: number;
  readonly delta: number;
  /** RDP order of the filter, fixed before the first release (PRIVACY.md section 5). */
  readonly filterOrder: number;
}

/** What a business unit admits, whoever asks. Kept and signed at the agent. */
export interface BuPolicy {
  readonly bu: string;
  readonly ceilings: Readonly<Record<Population, Ceiling>>;
  readonly periodDays: number;
  /** Fewest survivors a sum may have. */
  readonly survivorsMin: number;
  /** Fewest colluders a plan must tolerate. */
  readonly colludersMin: number;
  readonly modelKinds: readonly string[];
  readonly purposes: readonly string[];
  /** Most sums of one plan, attempts not counted. */
  readonly roundsMax: number;
}
