import type { SubsampledGaussian } from '../accounting/event.ts';
import type { Prg } from '../crypto/prg.ts';
import { isRefusal, type Refusal, refuse } from '../refusal.ts';
import { sampleInto } from './discrete-gaussian.ts';
import { DELTA_GRID_MAX } from './quantize.ts';

/**
 * What a plan says about one private sum. Nothing here is a noise scale: the share of each agent
 * follows from these fields (SECAGG.md sections 15 and 22).
 */
export interface MechanismSpec {
  /** How one learner's vector becomes integers: real numbers to nearest, or counts as they are. */
  readonly pipeline: 'reference-nearest/v1' | 'counts/v1';
  /** Coordinates of the vector, canaries not counted. */
  readonly dimension: number;
  /** Largest L2 norm of one learner's vector; an integer for counts. */
  readonly clipNorm: number;
  /** Largest L2 norm of one learner's integers, an integer; equals clipNorm for counts. */
  readonly deltaGrid: number;
  /** Accounted standard deviation of the noise over deltaGrid, at the floor of honest shares. */
  readonly noiseMultiplier: number;
  /** Fewest survivors of a sum, n_min. */
  readonly survivorsMin: number;
  /** Colluding agents tolerated, c. */
  readonly colluders: number;
  readonly ringBits: 32;
  /** Agents on the epoch's roster, n. */
  readonly rosterSize: number;
  /** Most learners in one sum, over all agents (`sampleSizeMax` of poisson.ts). */
  readonly learnersPerSumMax: number;
}

/** The fields hashed into privacyHash (SECAGG.md section 6), in its order. */
export interface PrivacyFields {
  readonly id: string;
  readonly clipNorm: number;
  readonly scale: number;
  readonly deltaGrid: number;
  readonly sigmaLocalSquared: number;
  readonly survivorsMin: number;
  readonly colluders: number;
}

/**
 * The guarantee in one frozen object: the noise that is drawn, the sensitivity that is tested and
 * the event that is charged come from the same numbers.
 */
export interface Mechanism {
  readonly spec: MechanismSpec;
  /** Names noise and pipeline with their versions. */
  readonly id: string;
  /** Grid units per unit of the vector: integers = round(scale * vector). */
  readonly scale: number;
  readonly deltaGrid: number;
  readonly clipNorm: number;
  /** Parameter sigma_i^2 of one agent's discrete Gaussian share, an integer of grid units. */
  readonly sigmaLocalSquared: number;
  /** Honest shares every released sum holds: survivorsMin - colluders. */
  readonly honestMin: number;
  /** Bound of |coordinate| of the noised sum that holds except with probability 5e-9 at d = 1e7. */
  readonly wrapBound: number;
  /** eta' of PRIVACY.md section 3.4: log-ratio a round adds beyond the continuous Gaussian. */
  readonly slackPerRound: number;
  /** Noise multiplier of the continuous Gaussian that dominates a sum with `honest` shares. */
  accountedNoiseMultiplier(honest: number): number;
  /** What `rounds` sums at this rate cost a learner, `honest` shares in each. */
  event(release: { rate: number; honest: number; rounds: number }): SubsampledGaussian;
  privacyFields(): PrivacyFields;
  /** Adds one agent's share of the noise, wrapping mod 2^32. The stream serves this call only. */
  addNoise(target: Int32Array, prg: Prg): void;
  /** Real sum of an integer sum: every coordinate over scale. */
  decode(sum: Int32Array): Float64Array;
  /** Standard deviation of the noise in one decoded coordinate with this many shares in the sum. */
  noiseStdDev(survivors: number): number;
}

/** Limits of a spec. Outside them a plan is refused with the field, the value and the bounds. */
export const mechanismBounds = {
  // slackPerRound stays below SLACK_PER_ROUND_MAX of accounting/accountant.ts.
  dimension: { min: 1, max: 2 ** 24 },
  clipNorm: { min: 1e-9, max: 1e9 },
  // Its square is an exact double: the norm test of quantize.ts adds squares.
  deltaGrid: { min: 1, max: DELTA_GRID_MAX },
  noiseMultiplier: { min: 0.05, max: 1e6 },
  survivorsMin: { min: 3, max: 1000 },
  colluders: { min: 1, max: 998 },
  rosterSize: { min: 3, max: 1000 },
  learnersPerSumMax: { min: 1, max: 1e9 },
} as const;

const INTEGERS = new Set<string>([
  'dimension',
  'deltaGrid',
  'survivorsMin',
  'colluders',
  'rosterSize',
  'learnersPerSumMax',
]);
const SIGMA_LOCAL_SQUARED_MIN = 16;
const SIGMA_LOCAL_SQUARED_MAX = 2 ** 46;
// r^2 of the lemma in PRIVACY.md section 3.4, r = 1.5: the price of the continuous accountant.
const LEMMA_VARIANCE = 2.25;

/**
 * Derives the mechanism of a spec or refuses: `mechanism-unknown` (pipeline, ring),
 * `mechanism-out-of-range` (a field against its bounds), `survivors-impossible`, `noise-too-fine`
 * (sigma_i below 4 grid units), `ring-too-small` (the sum could wrap). Facts hold value and bound.
 */
export function compileMechanism(spec: MechanismSpec): Mechanism | Refusal {
  const wrong = checkFields(spec) ?? checkPipeline(spec);
  if (wrong !== undefined) return wrong;
  const sigmaLocalSquared = shareVariance(spec);
  if (isRefusal(sigmaLocalSquared)) return sigmaLocalSquared;
  const { bound: wrapBound, refusal } = wrapOf(spec, sigmaLocalSquared);
  return refusal ?? freeze(Object.freeze({ ...spec }), sigmaLocalSquared, wrapBound);
}

/**
 * The smallest grid, as deltaGrid, on which rounding to nearest costs at most 1 % of the norm
 * (sC >= 50 sqrt(d), SECAGG.md section 15) and an agent's share has sigma_i >= 4.
 */
export function gridFor(input: {
  dimension: number;
  noiseMultiplier: number;
  honestMin: number;
}): number {
  const rounding = 50.5 * Math.sqrt(input.dimension);
  const noise = (4 * Math.sqrt(input.honestMin)) / input.noiseMultiplier;
  return Math.ceil(Math.max(rounding, noise));
}

function checkFields(spec: MechanismSpec): Refusal | undefined {
  for (const [field, { min, max }] of Object.entries(mechanismBounds)) {
    const value: unknown = spec[field as keyof typeof mechanismBounds];
    const inRange = typeof value === 'number' && value >= min && value <= max;
    if (!inRange || (INTEGERS.has(field) && !Number.isInteger(value))) {
      return refuse('mechanism-out-of-range', { field, value: String(value), min, max });
    }
  }
  const { survivorsMin, colluders, rosterSize } = spec;
  if (survivorsMin < colluders + 2 || survivorsMin > rosterSize) {
    return refuse('survivors-impossible', {
      survivorsMin,
      min: Math.max(3, colluders + 2),
      max: rosterSize,
    });
  }
  return undefined;
}

function checkPipeline(spec: MechanismSpec): Refusal | undefined {
  if (spec.ringBits !== 32) {
    return refuse('mechanism-unknown', { field: 'ringBits', value: String(spec.ringBits) });
  }
  switch (spec.pipeline) {
    case 'counts/v1':
      // Counts have no grid of their own: a scale would have to be repeated by every encoder.
      return spec.deltaGrid === spec.clipNorm
        ? undefined
        : outOfRange('deltaGrid', spec.deltaGrid, { min: spec.clipNorm, max: spec.clipNorm });
    case 'reference-nearest/v1': {
      const min = Math.floor(Math.sqrt(spec.dimension)) + 1;
      const max = mechanismBounds.deltaGrid.max;
      return spec.deltaGrid >= min
        ? undefined
        : outOfRange('deltaGrid', spec.deltaGrid, { min, max });
    }
    default:
      spec.pipeline satisfies never;
      return refuse('mechanism-unknown', { field: 'pipeline', value: String(spec.pipeline) });
  }
}

function outOfRange(field: string, value: number, bounds: { min: number; max: number }): Refusal {
  return refuse('mechanism-out-of-range', { field, value, ...bounds });
}

/** sigma_i^2, rounded up until the floor event is at least as noisy as the spec says. */
function shareVariance(spec: MechanismSpec): number | Refusal {
  const { noiseMultiplier, deltaGrid, survivorsMin, colluders } = spec;
  const honest = survivorsMin - colluders;
  const sigma = noiseMultiplier * deltaGrid;
  // Agents compare the result: only operations that round alike on every machine (no power).
  let variance = Math.ceil((sigma * sigma + LEMMA_VARIANCE) / honest);
  if (!(variance <= SIGMA_LOCAL_SQUARED_MAX)) {
    return outOfRange('sigmaLocalSquared', variance, {
      min: SIGMA_LOCAL_SQUARED_MIN,
      max: SIGMA_LOCAL_SQUARED_MAX,
    });
  }
  while (accounted(honest * variance, deltaGrid) < noiseMultiplier) variance += 1;
  if (variance < SIGMA_LOCAL_SQUARED_MIN) {
    const sigmaLocal = Math.sqrt(variance);
    return refuse('noise-too-fine', { sigmaLocal, min: 4, deltaGrid, noiseMultiplier });
  }
  return variance;
}

function accounted(variance: number, deltaGrid: number): number {
  return Math.sqrt(variance - LEMMA_VARIANCE) / deltaGrid;
}

/** SECAGG.md section 15: R/2 > M(sC + 1) + 8.5 sigma_i sqrt(n). */
function wrapOf(spec: MechanismSpec, sigmaLocalSquared: number) {
  const { learnersPerSumMax, rosterSize } = spec;
  const data = learnersPerSumMax * (normOnGrid(spec) + 1);
  const bound = Math.ceil(data + 8.5 * Math.sqrt(sigmaLocalSquared * rosterSize));
  const max = 2 ** 31 - 1;
  if (bound <= max) return { bound, refusal: undefined };
  return { bound, refusal: refuse('ring-too-small', { wrapBound: bound, max, learnersPerSumMax }) };
}

/** sC: what is left of deltaGrid for the vector when rounding took its share. */
function normOnGrid(spec: MechanismSpec): number {
  if (spec.pipeline === 'counts/v1') return spec.deltaGrid;
  return spec.deltaGrid - Math.sqrt(spec.dimension) / 2;
}

function freeze(spec: MechanismSpec, sigmaLocalSquared: number, wrapBound: number): Mechanism {
  const { clipNorm, deltaGrid, survivorsMin, colluders } = spec;
  const id = `discrete-gaussian/v1+${spec.pipeline}`;
  const scale = normOnGrid(spec) / clipNorm;
  const honestMin = survivorsMin - colluders;
  const accountedNoiseMultiplier = (honest: number): number => {
    if (!Number.isInteger(honest) || honest < honestMin) {
      throw new RangeError(`${honest} honest shares, the floor is ${honestMin}`);
    }
    return accounted(honest * sigmaLocalSquared, deltaGrid);
  };
  return Object.freeze({
    spec,
    id,
    scale,
    deltaGrid,
    clipNorm,
    sigmaLocalSquared,
    honestMin,
    wrapBound,
    slackPerRound: slackOf(spec.dimension, sigmaLocalSquared),
    accountedNoiseMultiplier,
    event: ({ rate, honest, rounds }: { rate: number; honest: number; rounds: number }) => ({
      kind: 'subsampled-gaussian' as const,
      rate,
      noiseMultiplier: accountedNoiseMultiplier(honest),
      rounds,
    }),
    privacyFields: () => ({
      id,
      clipNorm,
      scale,
      deltaGrid,
      sigmaLocalSquared,
      survivorsMin,
      colluders,
    }),
    addNoise: (target: Int32Array, prg: Prg) => sampleInto(target, sigmaLocalSquared, prg),
    decode: (sum: Int32Array) => Float64Array.from(sum, (x) => x / scale),
    noiseStdDev: (survivors: number) => Math.sqrt(survivors * sigmaLocalSquared) / scale,
  });
}

/** eta' = eta + d tau / 2 of PRIVACY.md section 3.4; shares of sigma_i >= 4 make tau vanish. */
function slackOf(dimension: number, sigmaLocalSquared: number): number {
  const error = 2 * Math.exp(-2 * Math.PI ** 2 * LEMMA_VARIANCE);
  const eta = dimension * (Math.log1p(error) - Math.log1p(-error));
  const tau = 10 * 1000 * Math.exp(-(Math.PI ** 2) * sigmaLocalSquared);
  return eta + (dimension * tau) / 2;
}
