import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SLACK_PER_ROUND_MAX } from '../accounting/accountant.ts';
import { checkEvent } from '../accounting/event.ts';
import { utf8 } from '../crypto/bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { Prg } from '../crypto/prg.ts';
import { isRefusal } from '../refusal.ts';
import { compileMechanism, gridFor, type Mechanism, type MechanismSpec } from './mechanism.ts';
import { DELTA_GRID_MAX } from './quantize.ts';

const training: MechanismSpec = {
  pipeline: 'reference-nearest/v1',
  dimension: 1100,
  clipNorm: 1.5,
  deltaGrid: 1700,
  noiseMultiplier: 3.2,
  survivorsMin: 9,
  colluders: 4,
  ringBits: 32,
  rosterSize: 13,
  learnersPerSumMax: 5000,
};
const counts: MechanismSpec = { ...training, pipeline: 'counts/v1', clipNorm: 180, deltaGrid: 180 };

function compiled(spec: MechanismSpec): Mechanism {
  const mechanism = compileMechanism(spec);
  if (isRefusal(mechanism)) throw new Error(JSON.stringify(mechanism));
  return mechanism;
}

test('scale, share and event follow from the spec', () => {
  const mechanism = compiled(training);
  const variance = Math.ceil(((3.2 * 1700) ** 2 + 2.25) / 5);
  expect(mechanism.sigmaLocalSquared).toBe(variance);
  expect(mechanism.scale * 1.5).toBeCloseTo(1700 - Math.sqrt(1100) / 2, 9);
  expect(mechanism.accountedNoiseMultiplier(5)).toBeCloseTo(3.2, 6);
  expect(mechanism.event({ rate: 0.1, honest: 9, rounds: 7 })).toEqual({
    kind: 'subsampled-gaussian',
    rate: 0.1,
    noiseMultiplier: Math.sqrt(9 * variance - 2.25) / 1700,
    rounds: 7,
  });
  expect(mechanism.privacyFields()).toEqual({
    id: 'discrete-gaussian/v1+reference-nearest/v1',
    clipNorm: 1.5,
    scale: mechanism.scale,
    deltaGrid: 1700,
    sigmaLocalSquared: variance,
    survivorsMin: 9,
    colluders: 4,
  });
});

test('counts are integers already: scale 1, and a grid of their own is refused', () => {
  expect(compiled(counts)).toMatchObject({ scale: 1, deltaGrid: 180, clipNorm: 180 });
  expect(compileMechanism({ ...counts, deltaGrid: 360 })).toMatchObject({
    refused: 'mechanism-out-of-range',
    facts: { field: 'deltaGrid', value: 360, min: 180, max: 180 },
  });
});

const specs = fc
  .record({
    dimension: fc.integer({ min: 1, max: 2_000_000 }),
    noiseMultiplier: fc.double({ min: 0.3, max: 30, noNaN: true }),
    colluders: fc.integer({ min: 1, max: 20 }),
    extra: fc.integer({ min: 2, max: 20 }),
    absent: fc.integer({ min: 0, max: 10 }),
  })
  .map(({ dimension, noiseMultiplier, colluders, extra, absent }): MechanismSpec => {
    const survivorsMin = colluders + extra;
    const deltaGrid = gridFor({ dimension, noiseMultiplier, honestMin: extra });
    const rosterSize = survivorsMin + absent;
    const fixed = { pipeline: 'reference-nearest/v1', clipNorm: 1, ringBits: 32 } as const;
    const cohort = { survivorsMin, colluders, rosterSize, learnersPerSumMax: 100 };
    return { ...fixed, dimension, noiseMultiplier, deltaGrid, ...cohort };
  })
  .filter((spec) => spec.survivorsMin >= 3);

test('T5, D-10: every survivor count from the floor up reaches the target noise', () => {
  fc.assert(
    fc.property(specs, (spec) => {
      const mechanism = compiled(spec);
      for (let survivors = spec.survivorsMin; survivors <= spec.rosterSize; survivors++) {
        const honest = survivors - spec.colluders;
        const multiplier = mechanism.accountedNoiseMultiplier(honest);
        expect(multiplier).toBeGreaterThanOrEqual(spec.noiseMultiplier);
        // The accounted noise is never more than what honest agents add.
        const added = Math.sqrt(honest * mechanism.sigmaLocalSquared) / spec.deltaGrid;
        expect(multiplier).toBeLessThan(added);
        expect(checkEvent(mechanism.event({ rate: 1, honest, rounds: 1 }))).toBeUndefined();
      }
      const below = mechanism.honestMin - 1;
      expect(() => mechanism.accountedNoiseMultiplier(below)).toThrow('the floor is');
      expect(mechanism.sigmaLocalSquared).toBeGreaterThanOrEqual(16);
      expect(mechanism.slackPerRound).toBeLessThan(SLACK_PER_ROUND_MAX);
    }),
  );
});

test('the derived grid costs rounding at most 1 % of the norm', () => {
  fc.assert(
    fc.property(specs, (spec) => {
      const norm = compiled(spec).scale * spec.clipNorm;
      expect(norm).toBeGreaterThanOrEqual(50 * Math.sqrt(spec.dimension) * (1 - 1e-12));
      expect(norm / spec.deltaGrid).toBeGreaterThan(0.99);
    }),
  );
});

test('the slack of the largest dimension stays within what the filter adds', () => {
  const wide = { ...training, dimension: 2 ** 24, deltaGrid: 250_000, learnersPerSumMax: 100 };
  const mechanism = compiled(wide);
  expect(mechanism.slackPerRound).toBeGreaterThan(1e-12);
  expect(mechanism.slackPerRound).toBeLessThan(SLACK_PER_ROUND_MAX);
  // PRIVACY.md section 3.4 quotes 2.1e-13 for a million coordinates.
  expect(compiled({ ...wide, dimension: 1e6 }).slackPerRound).toBeCloseTo(2.06e-13, 15);
});

test('noise of all shares is what decode says, and the noise is the share of each agent', () => {
  const mechanism = compiled({ ...training, dimension: 20_000, deltaGrid: 8000 });
  const sum = new Int32Array(20_000);
  for (let agent = 0; agent < 9; agent++) {
    mechanism.addNoise(sum, new Prg(sha256(utf8(`agent ${agent}`))));
  }
  const squares = mechanism.decode(sum).reduce((total, x) => total + x * x, 0);
  const ratio = Math.sqrt(squares / sum.length) / mechanism.noiseStdDev(9);
  expect(Math.abs(ratio - 1)).toBeLessThan(5 / Math.sqrt(2 * sum.length));
});

test('a sum that could wrap is refused with the bound, one learner fewer is not', () => {
  const reachable = { ...training, rosterSize: 9 };
  const room = 2 ** 31 - 1 - 8.5 * Math.sqrt(compiled(reachable).sigmaLocalSquared * 9);
  const norm = 1700 - Math.sqrt(1100) / 2;
  const learnersPerSumMax = Math.floor(room / (norm + 1));
  const last = compiled({ ...reachable, learnersPerSumMax });
  expect(last.wrapBound).toBeLessThan(2 ** 31);
  const refusal = compileMechanism({ ...reachable, learnersPerSumMax: learnersPerSumMax + 1 });
  expect(refusal).toMatchObject({ refused: 'ring-too-small', facts: { max: 2 ** 31 - 1 } });
});

test.each([
  [{ dimension: 0 }, 'mechanism-out-of-range'],
  [{ dimension: 2 ** 24 + 1 }, 'mechanism-out-of-range'],
  [{ dimension: 10.5 }, 'mechanism-out-of-range'],
  [{ clipNorm: 0 }, 'mechanism-out-of-range'],
  [{ clipNorm: Number.NaN }, 'mechanism-out-of-range'],
  [{ deltaGrid: 1700.5 }, 'mechanism-out-of-range'],
  [{ deltaGrid: 33 }, 'mechanism-out-of-range'],
  [{ deltaGrid: 94_906_266 }, 'mechanism-out-of-range'],
  [{ noiseMultiplier: 0 }, 'mechanism-out-of-range'],
  [{ noiseMultiplier: Number.POSITIVE_INFINITY }, 'mechanism-out-of-range'],
  [{ noiseMultiplier: 1e6, deltaGrid: 94_906_265 }, 'mechanism-out-of-range'],
  [{ colluders: 0 }, 'mechanism-out-of-range'],
  [{ survivorsMin: 5 }, 'survivors-impossible'],
  [{ survivorsMin: 14 }, 'survivors-impossible'],
  [{ ringBits: 16 }, 'mechanism-unknown'],
  [{ pipeline: 'fast/v1' }, 'mechanism-unknown'],
  [{ dimension: 1, deltaGrid: 2, noiseMultiplier: 0.5 }, 'noise-too-fine'],
])('%j is refused: %s', (change, refused) => {
  const refusal = compileMechanism({ ...training, ...change } as MechanismSpec);
  expect(refusal).toMatchObject({ refused });
});

test('nothing can be changed afterwards', () => {
  const mechanism = compiled(training);
  expect(Object.isFrozen(mechanism) && Object.isFrozen(mechanism.spec)).toBe(true);
});

test('no grid is admitted that the quantiser could not test exactly', () => {
  const spec = { ...counts, noiseMultiplier: 0.1, learnersPerSumMax: 1 };
  const at = (deltaGrid: number) => compileMechanism({ ...spec, clipNorm: deltaGrid, deltaGrid });
  expect(isRefusal(at(DELTA_GRID_MAX))).toBe(false);
  expect(at(DELTA_GRID_MAX + 1)).toMatchObject({
    refused: 'mechanism-out-of-range',
    facts: { field: 'deltaGrid', max: DELTA_GRID_MAX },
  });
});
