import {
  BIN_EDGES,
  BINS,
  LEARNER_UNITS,
  LOSS_MAX,
  type ScoreHistogram,
} from './score-histogram.ts';

/** A figure with the standard deviation that sampling and noise give it. */
export interface Estimate {
  readonly value: number;
  readonly stdDev: number;
}

/** One line of a calibration table. */
export interface CalibrationBin {
  /** Scores in [lower, upper) fall here. */
  readonly lower: number;
  readonly upper: number;
  /** Score that stands for the bin: that of its middle logit. */
  readonly score: number;
  /** Noised numbers of learners, possibly negative. */
  readonly positives: number;
  readonly negatives: number;
}

/** What a released histogram says of one head; means are over learners. */
export interface HeadEstimates {
  /** Noised numbers of learners with a label. */
  readonly positives: number;
  readonly negatives: number;
  /** Undefined: too few of either label for this noise. */
  readonly auc: Estimate | undefined;
  /** In nats. Undefined: too few labels for this noise. */
  readonly logLoss: Estimate | undefined;
  readonly calibration: {
    readonly bins: readonly CalibrationBin[];
    /** Plug-in expected calibration error: biased upward, to be read beside `errorIfPerfect`. */
    readonly error: number;
    /** What `error` would be on average, with this noise and these numbers, were it perfect. */
    readonly errorIfPerfect: number;
    /** Unbiased mean square calibration error, possibly negative; bins lost in noise left out. */
    readonly squaredError: number;
  };
}

/**
 * Figures of every head from a released sum of evaluation vectors (PRIVACY.md section 11,
 * decoding). `sum` and `noiseStdDev` (of one coordinate, known from the mechanism, 0 without
 * noise) are in units.
 */
export function estimateScores(options: {
  histogram: ScoreHistogram;
  sum: Float64Array;
  noiseStdDev: number;
}): HeadEstimates[] {
  const { histogram, sum } = options;
  if (sum.length !== histogram.dimension) throw new RangeError(`sum of ${sum.length}`);
  const noise = options.noiseStdDev / LEARNER_UNITS;
  return Array.from({ length: histogram.headCount }, (_, head) => {
    const [h0, h1, [loss]] = histogram.parts
      .filter((part) => part.head === head)
      .map(({ offset, width }) =>
        Array.from(sum.subarray(offset, offset + width), (units) => units / LEARNER_UNITS),
      ) as [number[], number[], [number]];
    return {
      positives: total(h1),
      negatives: total(h0),
      auc: aucOf(h0, h1, noise),
      logLoss: logLossOf({ lossSum: loss, learners: total(h0) + total(h1), noise }),
      calibration: calibrationOf(h0, h1, noise),
    };
  });
}

/**
 * A16 + (A16 - A8) / 3, which takes out the bias of binning, about -1 / (3 bins^2), and the
 * standard deviation of A16: noise, then sampling.
 */
function aucOf(h0: number[], h1: number[], noise: number): Estimate | undefined {
  const n0 = total(h0);
  const n1 = total(h1);
  if (!(Math.min(n0, n1) > 5 * Math.sqrt(BINS) * noise)) return undefined;
  const fine = binnedAuc(h0, h1);
  const below0 = midDistribution(h0);
  const below1 = midDistribution(h1);
  let variance = 0;
  for (let k = 0; k < h0.length; k++) {
    const d0 = (below0[k]! - fine) ** 2 / n1 ** 2;
    const d1 = (1 - below1[k]! - fine) ** 2 / n0 ** 2;
    variance += (noise ** 2 + Math.max(h1[k]!, 0)) * d0 + (noise ** 2 + Math.max(h0[k]!, 0)) * d1;
  }
  const value = fine + (fine - binnedAuc(pairs(h0), pairs(h1))) / 3;
  return { value, stdDev: Math.sqrt(variance) };
}

function binnedAuc(h0: number[], h1: number[]): number {
  const below = midDistribution(h0);
  return total(h1.map((h, k) => h * below[k]!)) / total(h1);
}

/** Share of the mass below the middle of each bin. */
function midDistribution(h: number[]): number[] {
  const all = total(h);
  let below = 0;
  return h.map((x) => {
    const middle = (below + x / 2) / all;
    below += x;
    return middle;
  });
}

function pairs(h: number[]): number[] {
  return Array.from({ length: h.length / 2 }, (_, k) => h[2 * k]! + h[2 * k + 1]!);
}

/**
 * LOSS_MAX (sum / n + 1/2). n is a noised total of 2 BINS counts: its error, LOSS_MAX |sum| / n^2
 * a unit, is the larger part of the noise. Sampling is left out: the square of the loss is not
 * released.
 */
function logLossOf(of: { lossSum: number; learners: number; noise: number }): Estimate | undefined {
  const { lossSum, learners, noise } = of;
  if (!(learners > 5 * Math.sqrt(2 * BINS) * noise)) return undefined;
  const mean = lossSum / learners;
  return {
    value: LOSS_MAX * (mean + 0.5),
    stdDev: (LOSS_MAX * noise * Math.sqrt(1 + 2 * BINS * mean * mean)) / learners,
  };
}

function calibrationOf(h0: number[], h1: number[], noise: number): HeadEstimates['calibration'] {
  const learners = total(h0) + total(h1);
  const bins: CalibrationBin[] = [];
  let error = 0;
  let errorIfPerfect = 0;
  let squaredError = 0;
  for (let k = 0; k < BINS; k++) {
    const score = middleScore(k);
    const count = h0[k]! + h1[k]!;
    const excess = (1 - score) * h1[k]! - score * h0[k]!;
    const noiseVariance = noise ** 2 * ((1 - score) ** 2 + score ** 2);
    const variance = noiseVariance + Math.max(count, 0) * score * (1 - score);
    error += Math.abs(excess) / learners;
    errorIfPerfect += Math.sqrt((2 / Math.PI) * variance) / learners;
    if (count > 5 * Math.SQRT2 * noise) {
      squaredError += (excess ** 2 - variance) / (count * learners);
    }
    const [lower, upper] = [BIN_EDGES[k - 1] ?? 0, BIN_EDGES[k] ?? 1];
    bins.push({ lower, upper, score, positives: h1[k]!, negatives: h0[k]! });
  }
  return { bins, error, errorIfPerfect, squaredError };
}

/** Score of the middle logit; the open bins at the ends are taken as wide as the others. */
function middleScore(bin: number): number {
  return 1 / (1 + Math.exp((BINS - 1) / 4 - bin / 2));
}

function total(values: number[]): number {
  return values.reduce((sum, x) => sum + x, 0);
}
