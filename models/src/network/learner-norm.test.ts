import fc from 'fast-check';
import { expect, test } from 'vitest';
import { learnerNorm } from './learner-norm.ts';

const float = fc.float({ min: -100, max: 100, noNaN: true });
const floats = (length: number) =>
  fc.array(float, { minLength: length, maxLength: length }).map((list) => Float32Array.from(list));

test('bounds the norm of the gradient from above, tightly', () => {
  const learner = fc
    .integer({ min: 1, max: 6 })
    .chain((rowCount) =>
      fc.tuple(fc.constant(rowCount), floats(rowCount * 4), floats(rowCount * 3)),
    );
  fc.assert(
    fc.property(learner, ([rowCount, inputs, deltas]) => {
      const layer = { inputs, inputWidth: 4, deltas, outputWidth: 3, offset: 0 };
      const { normSquared, termsSquared } = learnerNorm([layer, layer], { firstRow: 0, rowCount });
      const exact = 2 * squareOfGradient(inputs, deltas, rowCount);
      expect(normSquared).toBeGreaterThanOrEqual(exact * (1 - 1e-15));
      expect(normSquared - exact).toBeLessThanOrEqual(1e-13 * termsSquared);
      expect(termsSquared).toBeGreaterThanOrEqual(exact * (1 - 1e-12));
    }),
  );
});

test('rows that cancel keep a norm above zero', () => {
  const layer = {
    inputs: Float32Array.of(1e4, 1 / 3, 1e4, 1 / 3),
    inputWidth: 2,
    deltas: Float32Array.of(1e4, -1e4),
    outputWidth: 1,
    offset: 0,
  };
  const { normSquared } = learnerNorm([layer], { firstRow: 0, rowCount: 2 });
  expect(normSquared).toBeGreaterThan(0);
  expect(normSquared).toBeLessThan(1e4);
});

test('what is not finite gives no finite norm', () => {
  for (const bad of [Number.NaN, Infinity]) {
    const layer = {
      inputs: Float32Array.of(bad, 1),
      inputWidth: 1,
      deltas: Float32Array.of(0, 1),
      outputWidth: 1,
      offset: 0,
    };
    for (const rowCount of [1, 2]) {
      expect(learnerNorm([layer], { firstRow: 0, rowCount }).normSquared).not.toBeLessThan(
        Infinity,
      );
    }
  }
});

function squareOfGradient(inputs: Float32Array, deltas: Float32Array, rowCount: number): number {
  let squares = 0;
  for (let k = 0; k < 3; k++) {
    for (let j = 0; j <= 4; j++) {
      let sum = 0;
      for (let t = 0; t < rowCount; t++)
        sum += deltas[t * 3 + k]! * (j < 4 ? inputs[t * 4 + j]! : 1);
      squares += sum * sum;
    }
  }
  return squares;
}
