import { expect, test } from 'vitest';
import { utf8 } from '../crypto/bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { Prg } from '../crypto/prg.ts';
import { SIGMA_SQUARED_MAX, sampleInto } from './discrete-gaussian.ts';

function draw(sigmaSquared: number, count: number, seed = 'seed'): Int32Array {
  const target = new Int32Array(count);
  sampleInto(target, sigmaSquared, new Prg(sha256(utf8(seed))));
  return target;
}

// First draws of this sampler from SHA-256("golden").
const GOLDEN_16 = [10, 6, 3, -1, 2, 4, 5, -3, -8, 1, -7, -4];
const GOLDEN_4M = [4924, 2919, 582, -2182, 4705, 1574, 4407, 126];

/** Cells of roughly equal probability, and their exact probabilities under N_Z(0, sigmaSquared). */
function cells(sigmaSquared: number): { upper: number[]; probability: number[] } {
  const reach = Math.ceil(14 * Math.sqrt(sigmaSquared)) + 2;
  let total = 0;
  for (let k = -reach; k <= reach; k++) total += Math.exp((-k * k) / (2 * sigmaSquared));
  const [upper, probability] = [[] as number[], [] as number[]];
  let mass = 0;
  for (let k = -reach; k <= reach; k++) {
    mass += Math.exp((-k * k) / (2 * sigmaSquared)) / total;
    if (mass >= 1 / 60) {
      upper.push(k);
      probability.push(mass);
      mass = 0;
    }
  }
  upper[upper.length - 1] = reach;
  probability[probability.length - 1]! += mass;
  return { upper, probability };
}

/** Standard deviations by which Pearson's statistic exceeds its mean under the exact law. */
function chiSquareExcess(samples: Int32Array, sigmaSquared: number): number {
  const { upper, probability } = cells(sigmaSquared);
  const seen = new Array<number>(upper.length).fill(0);
  for (const x of samples) seen[upper.findIndex((k) => x <= k)]! += 1;
  let statistic = 0;
  seen.forEach((count, cell) => {
    const expected = samples.length * probability[cell]!;
    statistic += (count - expected) ** 2 / expected;
  });
  const freedom = upper.length - 1;
  return (statistic - freedom) / Math.sqrt(2 * freedom);
}

test.each([2, 9, 1600, 4_000_000])(
  'chi-square against the exact law, sigma^2 %i',
  (sigmaSquared) => {
    const samples = draw(sigmaSquared, 200_000);
    expect(chiSquareExcess(samples, sigmaSquared)).toBeLessThan(4);
  },
);

test.each([9, 1600, 4_000_000])(
  'positive control: 3 %% more noise than %i fails',
  (sigmaSquared) => {
    const samples = draw(Math.round(sigmaSquared * 1.03 ** 2), 200_000);
    expect(chiSquareExcess(samples, sigmaSquared)).toBeGreaterThan(10);
  },
);

test.each([2, 9, 1600, 1e8, SIGMA_SQUARED_MAX])('D-11: moments at sigma^2 %i', (sigmaSquared) => {
  const count = 100_000;
  let [sum, squares, cubes, fourths] = [0, 0, 0, 0];
  for (const x of draw(sigmaSquared, count, 'moments')) {
    const z = x / Math.sqrt(sigmaSquared);
    sum += z;
    squares += z ** 2;
    cubes += z ** 3;
    fourths += z ** 4;
  }
  // Standard errors of a Gaussian's moments; from sigma^2 = 2 on the discrete ones differ by 1e-15.
  const error = 5 / Math.sqrt(count);
  expect(Math.abs(sum / count)).toBeLessThan(error);
  expect(Math.abs(squares / count - 1)).toBeLessThan(error * Math.sqrt(2));
  expect(Math.abs(cubes / count)).toBeLessThan(error * Math.sqrt(15));
  expect(Math.abs(fourths / count - 3)).toBeLessThan(error * Math.sqrt(96));
});

test('neighbouring draws are uncorrelated', () => {
  const samples = draw(1600, 100_000, 'pairs');
  let product = 0;
  for (let i = 1; i < samples.length; i++) product += (samples[i]! * samples[i - 1]!) / 1600;
  expect(Math.abs(product / samples.length)).toBeLessThan(5 / Math.sqrt(samples.length));
});

test('golden samples: the same key gives the same noise on every machine', () => {
  expect([...draw(16, 12, 'golden')]).toEqual(GOLDEN_16);
  expect([...draw(4_000_000, 8, 'golden')]).toEqual(GOLDEN_4M);
  expect(draw(16, 12, 'golden')).toEqual(draw(16, 12, 'golden'));
  expect(draw(16, 12, 'golden')).not.toEqual(draw(16, 12, 'gold'));
});

test('adds to the target and wraps mod 2^32', () => {
  const noise = draw(16, 100);
  const target = new Int32Array(100).fill(2 ** 31 - 1);
  sampleInto(target, 16, new Prg(sha256(utf8('seed'))));
  expect([...target]).toEqual([...noise].map((x) => (x + 2 ** 31 - 1) | 0));
  expect(target.some((x) => x < 0)).toBe(true);
});

test.each([0, -1, 0.64, Number.NaN, 2 ** 47])('sigma^2 %s throws', (sigmaSquared) => {
  expect(() => draw(sigmaSquared, 1)).toThrow(RangeError);
});

/**
 * The sampler as the paper writes it: every decision in integers of any size, with the word order
 * of the fast one. Words near 2^32/k and runs of extremes drive both into the undecided cases.
 */
function exactSample(sigmaSquared: bigint, next: () => number): bigint {
  const t = BigInt(Math.floor(Math.sqrt(Number(sigmaSquared))) + 1);
  const below = (numerator: bigint, denominator: bigint): boolean => {
    for (let rest = numerator; ; ) {
      rest = (rest << 32n) - BigInt(next()) * denominator;
      if (rest <= 0n) return false;
      if (rest >= denominator) return true;
    }
  };
  const expMinus = (numerator: bigint, denominator: bigint, from = 1n): boolean => {
    for (let k = from; ; k++) if (!below(numerator, denominator * k)) return k % 2n === 1n;
  };
  for (;;) {
    const word = BigInt(next());
    if (word >> 1n >= (2n ** 31n / t) * t) continue;
    const u = (word >> 1n) % t;
    if (!expMinus(u, t)) continue;
    let y = u;
    while (expMinus(1n, 1n, 2n)) y += t;
    if ((word & 1n) === 1n && y === 0n) continue;
    const numerator = (y * t - sigmaSquared) ** 2n;
    const denominator = 2n * sigmaSquared * t * t;
    const parts = numerator / denominator + 1n;
    let accepted = true;
    for (let i = 0n; accepted && i < parts; i++)
      accepted = expMinus(numerator, denominator * parts);
    if (accepted) return (word & 1n) === 1n ? -y : y;
  }
}

test('decides as integers of any size would, where doubles cannot tell too', () => {
  for (const sigmaSquared of [1, 2, 16, 24, 1600, 4_000_001, 2 ** 45 + 1]) {
    const stream = new BoundaryStream(sigmaSquared);
    const fast = new Int32Array(3000);
    sampleInto(fast, sigmaSquared, stream as unknown as Prg);
    const words = new BoundaryStream(sigmaSquared);
    const next = () => new Uint32Array(words.take(4).buffer)[0]!;
    const slow = Int32Array.from(fast, () => Number(exactSample(BigInt(sigmaSquared), next)));
    expect(fast).toEqual(slow);
    expect(words.boundaries).toBeGreaterThan(100);
  }
});

/** A keystream in which every fourth word is a boundary of some p = a/b, or one beside it. */
class BoundaryStream {
  readonly #random: Prg;
  boundaries = 0;

  constructor(seed: number) {
    this.#random = new Prg(sha256(utf8(`boundary ${seed}`)));
  }

  fill(target: Uint8Array): void {
    for (let at = 0; at < target.length; at += 4) target.set(this.take(4), at);
  }

  take(length: 4): Uint8Array {
    const bytes = this.#random.bytes(length);
    if (bytes[0]! % 4 !== 0) return bytes;
    this.boundaries += 1;
    const denominator = 2 + (bytes[1]! % 12);
    const edge = Math.floor((2 ** 32 * (1 + (bytes[2]! % denominator))) / denominator);
    const word = (edge + (bytes[3]! % 3) - 1) >>> 0;
    return new Uint8Array(new Uint32Array([word]).buffer);
  }
}
