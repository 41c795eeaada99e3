/**
 * Units of one learner: its r rows weigh LEARNER_UNITS / r each, an integer for every r <=
 * ROWS_MAX.
 */
export const LEARNER_UNITS = 120;

/** Most rows of one held-out learner. */
export const ROWS_MAX = 6;

/** Score bins of each label. */
export const BINS = 16;

/** Upper edges of all bins but the last: logits -3.5, -3, .., 3.5, as scores. */
export const BIN_EDGES: readonly number[] = Array.from(
  { length: BINS - 1 },
  (_, i) => 1 / (1 + Math.exp(3.5 - i / 2)),
);

/** Log loss of one row counts at most this much. */
export const LOSS_MAX = 4;

/** A run of coordinates of one head. */
export interface HistogramPart {
  readonly head: number;
  /** `bins`: BINS counts of the rows with that label; `loss`: one coordinate. */
  readonly kind: 'bins' | 'loss';
  readonly label?: 0 | 1;
  readonly offset: number;
  readonly width: number;
}

/** Coordinates of one learner's evaluation vector and its exact sensitivity. */
export interface ScoreHistogram {
  readonly headCount: number;
  readonly parts: readonly HistogramPart[];
  readonly dimension: number;
  /** Largest sum of squares of one learner's integers, in units^2. */
  readonly deltaSquared: number;
  /** Least integer L2 norm that covers `deltaSquared`: the Delta of the mechanism. */
  readonly deltaGrid: number;
}

/**
 * The evaluation vector of PRIVACY.md section 11 for `headCount` heads: label x score bin, worth
 * one learner in L2 norm when all its rows fall together, and the log loss, worth half a learner.
 */
export function scoreHistogram(headCount: number): ScoreHistogram {
  if (!(Number.isInteger(headCount) && headCount >= 1)) throw new RangeError(`${headCount} heads`);
  const parts: HistogramPart[] = [];
  let dimension = 0;
  for (let head = 0; head < headCount; head++) {
    parts.push({ head, kind: 'bins', label: 0, offset: dimension, width: BINS });
    parts.push({ head, kind: 'bins', label: 1, offset: dimension + BINS, width: BINS });
    parts.push({ head, kind: 'loss', offset: dimension + 2 * BINS, width: 1 });
    dimension += 2 * BINS + 1;
  }
  const deltaSquared = headCount * (LEARNER_UNITS ** 2 + (LEARNER_UNITS / 2) ** 2);
  return {
    headCount,
    parts,
    dimension,
    deltaSquared,
    deltaGrid: Math.ceil(Math.sqrt(deltaSquared)),
  };
}

/**
 * Sum of the held-out learners' vectors. `scores` and `labels`: rows x headCount, a label 0, 1 or
 * NaN (none: the row adds nothing for that head). A learner with a score or label that is no
 * number of [0, 1], or whose integers fail the exact norm test, adds nothing. Throws RangeError
 * on more than ROWS_MAX rows of a learner: the feature contract has picked its rows before.
 */
export function encodeScores(options: {
  histogram: ScoreHistogram;
  scores: Float32Array;
  labels: Float32Array;
  learnerRowStart: Uint32Array;
}): Int32Array {
  const { histogram, scores, labels, learnerRowStart } = options;
  const rowCount = learnerRowStart.at(-1) ?? 0;
  const length = rowCount * histogram.headCount;
  if (scores.length !== length || labels.length !== length) {
    throw new RangeError(`${scores.length} scores, ${labels.length} labels for ${rowCount} rows`);
  }
  const sum = new Int32Array(histogram.dimension);
  const own = new Int32Array(histogram.dimension);
  for (let learner = 0; learner + 1 < learnerRowStart.length; learner++) {
    const start = learnerRowStart[learner]!;
    const rows = learnerRowStart[learner + 1]! - start;
    if (rows < 0 || rows > ROWS_MAX) throw new RangeError(`${rows} rows, at most ${ROWS_MAX}`);
    own.fill(0);
    const whole = addRows({ histogram, scores, labels, own, start, rows });
    if (!whole || squaresOf(own) > histogram.deltaSquared) continue;
    for (let i = 0; i < own.length; i++) sum[i]! += own[i]!;
  }
  return sum;
}

/** False when some score or label cannot be counted. */
function addRows(options: {
  histogram: ScoreHistogram;
  scores: Float32Array;
  labels: Float32Array;
  own: Int32Array;
  start: number;
  rows: number;
}): boolean {
  const { histogram, scores, labels, own, start, rows } = options;
  const { headCount, parts } = histogram;
  const units = LEARNER_UNITS / rows;
  for (const part of parts) {
    for (let row = start; row < start + rows; row++) {
      const score = scores[row * headCount + part.head]!;
      const label = labels[row * headCount + part.head]!;
      if (!(score >= 0 && score <= 1)) return false;
      if (Number.isNaN(label)) continue;
      if (label !== 0 && label !== 1) return false;
      if (part.kind === 'loss')
        own[part.offset]! += lossUnits(label === 1 ? score : 1 - score, units);
      else if (part.label === label) own[part.offset + binOf(score)]! += units;
    }
  }
  return true;
}

/** Bin of a score: the number of edges it reaches. */
export function binOf(score: number): number {
  let bin = 0;
  while (bin < BIN_EDGES.length && score >= BIN_EDGES[bin]!) bin++;
  return bin;
}

/**
 * The loss of a row that gave its label probability `p`, clipped to [0, LOSS_MAX], mapped to
 * [-1/2, 1/2] and rounded to nearest. Half of `units` is an integer for every r, so rounding cannot
 * pass it; truncation would add half a unit of bias, .017 nats at one row a learner.
 */
function lossUnits(p: number, units: number): number {
  const loss = Math.min(-Math.log(p), LOSS_MAX);
  return Math.round(units * (loss / LOSS_MAX - 0.5));
}

function squaresOf(values: Int32Array): number {
  let squares = 0;
  for (const x of values) squares += x * x;
  return squares;
}
