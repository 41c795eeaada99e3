import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { expect, test } from 'vitest';
import { initialParameters } from './initial-parameters.ts';
import { layout, type NetworkSpec } from './network.ts';

const mlp: NetworkSpec = { kind: 'outcome-mlp', inputWidth: 29, hidden: [32, 8], headCount: 4 };

test('layers follow each other, weights then biases', () => {
  const { layers, dimension } = layout(mlp);
  expect(layers).toEqual([
    { inputWidth: 29, outputWidth: 32, offset: 0, biasOffset: 928 },
    { inputWidth: 32, outputWidth: 8, offset: 960, biasOffset: 1216 },
    { inputWidth: 8, outputWidth: 4, offset: 1224, biasOffset: 1256 },
  ]);
  expect(dimension).toBe(1260);
  const logistic = layout({ kind: 'outcome-logistic', inputWidth: 29, headCount: 4 });
  expect(logistic.dimension).toBe(120);
});

test('widths that make no network are programmer errors', () => {
  for (const hidden of [[], [0], [2.5], [Number.NaN]]) {
    expect(() => layout({ kind: 'outcome-mlp', inputWidth: 3, hidden, headCount: 1 })).toThrow(
      RangeError,
    );
  }
});

test('initial parameters are these bytes on every machine', () => {
  const parameters = initialParameters(mlp, 1);
  expect(hex(sha256(new Uint8Array(parameters.buffer)))).toBe(
    '8106ec5313abcb4689015c48e0b6da6af486f8e6a84a294018a8956867eb90c1',
  );
  expect(initialParameters(mlp, 1)).toEqual(parameters);
  expect(initialParameters(mlp, 2)).not.toEqual(parameters);
});

test('initial weights before a ReLU fill their interval evenly, biases and heads are zero', () => {
  const parameters = initialParameters(mlp, 7);
  const { layers } = layout(mlp);
  for (const [i, { inputWidth, outputWidth, offset, biasOffset }] of layers.entries()) {
    const weights = parameters.subarray(offset, biasOffset);
    if (i === 2) {
      expect(weights.every((x) => x === 0)).toBe(true);
      continue;
    }
    const limit = Math.sqrt(6 / inputWidth);
    const variance = weights.reduce((sum, x) => sum + x * x, 0) / weights.length;
    expect(Math.max(...weights.map(Math.abs))).toBeLessThanOrEqual(limit);
    // The variance of n uniform squares, relative to their mean squared, is 4 / (5 n).
    const z = (variance / (limit ** 2 / 3) - 1) * Math.sqrt((5 / 4) * weights.length);
    expect(Math.abs(z)).toBeLessThan(4.5);
    expect(parameters.subarray(biasOffset, biasOffset + outputWidth).every((x) => x === 0)).toBe(
      true,
    );
  }
});

test('a logistic network starts at zero', () => {
  const logistic: NetworkSpec = { kind: 'outcome-logistic', inputWidth: 3, headCount: 2 };
  expect(initialParameters(logistic, 5)).toEqual(new Float32Array(8));
});
