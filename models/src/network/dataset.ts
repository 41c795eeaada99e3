/** Learners' rows as a network takes them, grouped by learner in slot order. */
export interface Dataset {
  /** n x inputWidth. */
  readonly rows: Float32Array;
  /** n x headCount, in [0, 1]; NaN: the row has no label for that head. */
  readonly labels: Float32Array;
  /** learners + 1 entries: learner i has rows [start[i], start[i + 1]), possibly none. */
  readonly learnerRowStart: Uint32Array;
}
