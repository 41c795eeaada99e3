import { describe, expect, test } from 'vitest';
import { auc, logLoss } from './exact.ts';
import { estimateScores, type HeadEstimates } from './score-estimates.ts';
import { encodeScores, LEARNER_UNITS, scoreHistogram } from './score-histogram.ts';

const histogram = scoreHistogram(1);
const LEARNERS = 4940;

/** Uniform and standard normal numbers from a seed (mulberry32, Box-Muller). */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}

interface Cohort {
  scores: Float32Array;
  labels: Float32Array;
}

/**
 * Learners with calibrated scores, AUC about .82; `shift` moves the scores' logits off the truth.
 */
function cohort(random: Random, { learners = LEARNERS, shift = 0 } = {}): Cohort {
  const scores = new Float32Array(learners);
  const labels = new Float32Array(learners);
  for (let i = 0; i < learners; i++) {
    const logit = 0.4 + 1.6 * random.normal();
    scores[i] = 1 / (1 + Math.exp(-logit - shift));
    labels[i] = random.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
  }
  return { scores, labels };
}

function estimate(of: Cohort, noise: number, random: Random): HeadEstimates {
  const learnerRowStart = Uint32Array.from({ length: of.scores.length + 1 }, (_, i) => i);
  const noiseStdDev = noise * LEARNER_UNITS;
  const sum = Float64Array.from(
    encodeScores({ histogram, ...of, learnerRowStart }),
    (x) => x + noiseStdDev * random.normal(),
  );
  return estimateScores({ histogram, sum, noiseStdDev })[0]!;
}

/** AUC of a large cohort: what every small one estimates. */
const truth = auc(cohort(new Random(1), { learners: 400_000 }));

describe('AUC', () => {
  test.each([0, 3.4, 6.8, 13.7])(
    'intervals of 95 percent cover at noise %d, with little bias',
    (noise) => {
      const random = new Random(7);
      let covered = 0;
      let bias = 0;
      const repeats = 250;
      for (let i = 0; i < repeats; i++) {
        const { value, stdDev } = estimate(cohort(random), noise, random).auc!;
        bias += (value - truth) / repeats;
        if (Math.abs(value - truth) < 1.96 * stdDev) covered++;
      }
      expect(Math.abs(bias)).toBeLessThan(0.0015);
      expect(covered / repeats).toBeGreaterThan(0.92);
      expect(covered / repeats).toBeLessThan(0.98);
    },
  );

  test('without noise the correction takes out most of the bias of binning', () => {
    const random = new Random(3);
    const big = cohort(random, { learners: 100_000 });
    expect(estimate(big, 0, random).auc!.value).toBeCloseTo(auc(big), 3.3);
  });

  test('too few learners for the noise give no figure', () => {
    const random = new Random(4);
    const small = cohort(random, { learners: 100 });
    expect(estimate(small, 6.8, random).auc).toBeUndefined();
    expect(estimate(small, 6.8, random).logLoss).toBeUndefined();
    expect(estimate(small, 0.5, random).auc).toBeDefined();
  });
});

test('log loss: within its noise, whose size is as stated', () => {
  const random = new Random(11);
  const of = cohort(random);
  const exact = logLoss(of);
  expect(estimate(of, 0, random).logLoss!.value).toBeCloseTo(exact, 3);
  const errors = Array.from({ length: 600 }, () => {
    const { value, stdDev } = estimate(of, 6.8, random).logLoss!;
    return (value - exact) / stdDev;
  });
  const spread = Math.sqrt(errors.reduce((sum, z) => sum + z * z, 0) / errors.length);
  expect(spread).toBeGreaterThan(0.9);
  expect(spread).toBeLessThan(1.1);
});

describe('calibration', () => {
  const average = (repeats: number, noise: number, shift: number) => {
    const random = new Random(5);
    const mean = { error: 0, errorIfPerfect: 0, squaredError: 0 };
    for (let i = 0; i < repeats; i++) {
      const { calibration } = estimate(cohort(random, { shift }), noise, random);
      for (const key of ['error', 'errorIfPerfect', 'squaredError'] as const) {
        mean[key] += calibration[key] / repeats;
      }
    }
    return mean;
  };

  test.each([0, 7, 14])('a perfect model shows the null value at noise %d', (noise) => {
    const { error, errorIfPerfect, squaredError } = average(150, noise, 0);
    expect(error).toBeGreaterThan(0.01);
    expect(error / errorIfPerfect).toBeGreaterThan(0.93);
    expect(error / errorIfPerfect).toBeLessThan(1.07);
    expect(Math.abs(squaredError)).toBeLessThan(3e-4);
  });

  test('scores half a logit too high are seen, and the squared error keeps its size', () => {
    const clean = average(60, 0, 0.5);
    const noised = average(150, 7, 0.5);
    expect(clean.error).toBeGreaterThan(3 * clean.errorIfPerfect);
    expect(noised.error).toBeGreaterThan(3 * noised.errorIfPerfect);
    expect(noised.squaredError / clean.squaredError).toBeGreaterThan(0.85);
    expect(noised.squaredError / clean.squaredError).toBeLessThan(1.15);
  });

  test('the table covers [0, 1] and its counts add up', () => {
    const random = new Random(6);
    const { calibration, positives, negatives } = estimate(cohort(random), 0, random);
    expect(calibration.bins[0]!.lower).toBe(0);
    expect(calibration.bins.at(-1)!.upper).toBe(1);
    for (const [i, bin] of calibration.bins.entries()) {
      expect(bin.score).toBeGreaterThan(bin.lower);
      expect(bin.score).toBeLessThan(bin.upper);
      if (i > 0) expect(bin.lower).toBe(calibration.bins[i - 1]!.upper);
    }
    expect(positives + negatives).toBeCloseTo(LEARNERS, 9);
  });
});
