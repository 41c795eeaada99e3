import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  clipBound,
  clippedWeight,
  DELTA_GRID_MAX,
  GradientQuantizer,
  quantizeAdd,
} from './quantize.ts';

const INPUTS = 5;
const OUTPUTS = 3;
const DIMENSION = (INPUTS + 1) * OUTPUTS;

interface Learner {
  inputs: Float32Array;
  deltas: Float32Array;
  rowCount: number;
  weight: number;
}

const anyFloat = fc.oneof(
  { weight: 4, arbitrary: fc.float({ min: -8, max: 8 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** -149, -(2 ** -140), 3.4e38, -3e38, 2 ** 60) },
);

const floats = (value: fc.Arbitrary<number>, length: number) =>
  fc.array(value, { minLength: length, maxLength: length }).map((list) => Float32Array.from(list));

const learnerOf = (value: fc.Arbitrary<number>, weight: fc.Arbitrary<number>) =>
  fc.integer({ min: 1, max: 4 }).chain((rowCount) =>
    fc.record({
      inputs: floats(value, rowCount * INPUTS),
      deltas: floats(value, rowCount * OUTPUTS),
      rowCount: fc.constant(rowCount),
      weight,
    }),
  );

const tame = learnerOf(fc.float({ min: -8, max: 8, noNaN: true }), fc.double({ min: 0, max: 60 }));
const wild = learnerOf(anyFloat, fc.oneof(fc.double(), fc.double({ min: 0, max: 60 })));

function add(learners: readonly Learner[], deltaGrid: number, sum = new Int32Array(DIMENSION)) {
  const shape = { inputWidth: INPUTS, outputWidth: OUTPUTS, offset: 0 };
  const quantizer = new GradientQuantizer({ deltaGrid, layers: [shape], sum });
  for (const { inputs, deltas, rowCount, weight } of learners) {
    quantizer.add({ layers: [{ ...shape, inputs, deltas }], firstRow: 0, rowCount, weight });
  }
  return sum;
}

/** The same integers the long way: whole gradient, round half to even, BigInt norm test. */
function oracle({ inputs, deltas, rowCount, weight }: Learner, deltaGrid: number): Int32Array {
  const gradient = new Float64Array(DIMENSION);
  for (let t = 0; t < rowCount; t++) {
    for (let k = 0; k < OUTPUTS; k++) {
      const delta = deltas[t * OUTPUTS + k]!;
      gradient[OUTPUTS * INPUTS + k]! += weight * delta;
      for (let j = 0; j < INPUTS; j++) {
        const input = inputs[t * INPUTS + j]!;
        gradient[k * INPUTS + j]! +=
          rowCount === 1 ? weight * input * delta : weight * delta * input;
      }
    }
  }
  const zero = new Int32Array(DIMENSION);
  if (!gradient.every((x) => Math.abs(x) < 2 ** 51)) return zero;
  const integers = Array.from(gradient, roundHalfToEven);
  const squares = integers.reduce((sum, x) => sum + BigInt(x) ** 2n, 0n);
  return squares <= BigInt(deltaGrid) ** 2n ? Int32Array.from(integers) : zero;
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

function norm(integers: Int32Array): number {
  return Math.sqrt(integers.reduce((sum, x) => sum + x * x, 0));
}

describe('GradientQuantizer', () => {
  test('agrees with the oracle on finite learners, clipped or not', () => {
    fc.assert(
      fc.property(tame, fc.integer({ min: 1, max: 4000 }), (learner, deltaGrid) => {
        expect(add([learner], deltaGrid)).toEqual(oracle(learner, deltaGrid));
      }),
      { numRuns: 500 },
    );
  });

  test('no learner moves the sum by more than deltaGrid, whatever its floats are', () => {
    fc.assert(
      fc.property(wild, fc.integer({ min: 1, max: 4000 }), (learner, deltaGrid) => {
        expect(norm(add([learner], deltaGrid))).toBeLessThanOrEqual(deltaGrid);
      }),
      { numRuns: 500 },
    );
  });

  test('leaving one learner out changes the sum by exactly its own vector', () => {
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 5 }), wild, (others, learner) => {
        const own = add([learner], 900);
        const without = add(others, 900);
        const withIt = add([learner, ...others], 900);
        expect(withIt.map((x, i) => x - without[i]!)).toEqual(own);
      }),
      { numRuns: 300 },
    );
  });

  test('a learner that fails leaves what was there untouched, bit for bit', () => {
    const before = Int32Array.from({ length: DIMENSION }, (_, i) => i * 119_304_647 - 2 ** 31);
    const tooBig = {
      inputs: Float32Array.of(1, 2.5, -3.25, 4, 5),
      deltas: Float32Array.of(1.5, 0, -7),
      rowCount: 1,
    };
    for (const weight of [1e3, 1e9, 1e15, 1e40, Number.NaN, Infinity]) {
      expect(add([{ ...tooBig, weight }], 1000, before.slice())).toEqual(before);
    }
  });

  test('the norm test is exact at the bound', () => {
    const onlyBias = (weight: number) => ({
      inputs: new Float32Array(INPUTS),
      deltas: Float32Array.of(1, 0, 0),
      rowCount: 1,
      weight,
    });
    expect(norm(add([onlyBias(DELTA_GRID_MAX)], DELTA_GRID_MAX))).toBe(DELTA_GRID_MAX);
    expect(norm(add([onlyBias(DELTA_GRID_MAX + 1)], DELTA_GRID_MAX))).toBe(0);
    expect(norm(add([onlyBias(1001)], 1001))).toBe(1001);
    expect(norm(add([onlyBias(1002)], 1001))).toBe(0);
  });

  test('a grid that 53 bits cannot test is a programmer error', () => {
    for (const deltaGrid of [0, -1, 1.5, Number.NaN, DELTA_GRID_MAX + 1]) {
      expect(() => add([], deltaGrid)).toThrow(RangeError);
    }
  });
});

describe('quantizeAdd', () => {
  const scale = 100;
  const deltaGrid = 500;

  test('keeps the norm of anything within deltaGrid and a short vector as it is', () => {
    fc.assert(
      fc.property(floats(anyFloat, 12), (vector) => {
        const sum = new Int32Array(12);
        quantizeAdd({ vector, scale, deltaGrid, sum });
        expect(norm(sum)).toBeLessThanOrEqual(deltaGrid);
        const length = Math.hypot(...vector);
        if (length <= clipBound({ scale, deltaGrid, dimension: 12 })) {
          expect(Array.from(sum)).toEqual(
            Array.from(vector, (x) => roundHalfToEven(x * scale) + 0),
          );
        } else if (!Number.isFinite(length)) expect(norm(sum)).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test('a long vector keeps its direction at the largest allowed norm', () => {
    const sum = new Int32Array(2);
    quantizeAdd({ vector: Float64Array.of(3e8, -4e8), scale, deltaGrid, sum });
    const grid = deltaGrid - Math.SQRT2 / 2;
    expect(Array.from(sum)).toEqual([Math.round(0.6 * grid), Math.round(-0.8 * grid)]);
  });

  test('refuses a vector of another length, and a grid coarser than its dimension', () => {
    const vector = new Float64Array(3);
    expect(() => quantizeAdd({ vector, scale, deltaGrid, sum: new Int32Array(4) })).toThrow(
      '3 for 4',
    );
    expect(() => clipBound({ scale, deltaGrid: 5, dimension: 100 })).toThrow('no room');
  });
});

test('clippedWeight scales, and clips only beyond the bound', () => {
  expect(clippedWeight({ norm: 2, bound: 2, scale: 8 })).toBe(8);
  expect(clippedWeight({ norm: 4, bound: 2, scale: 8 })).toBe(4);
  expect(clippedWeight({ norm: Number.NaN, bound: 2, scale: 8 })).toBeNaN();
  expect(clippedWeight({ norm: Infinity, bound: 2, scale: 8 })).toBe(0);
});
