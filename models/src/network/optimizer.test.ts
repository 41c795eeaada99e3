import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { expect, test } from 'vitest';
import {
  type Decay,
  decodeOptimizerState,
  encodeOptimizerState,
  initialOptimizerState,
  type OptimizerSpec,
  remaining,
  serverStep,
} from './optimizer.ts';

const sgd: OptimizerSpec = {
  kind: 'sgd',
  learningRate: 0.5,
  momentum: 0.5,
  decay: 'none',
  rounds: 10,
};
const adam: OptimizerSpec = {
  kind: 'adam',
  learningRate: 0.1,
  beta1: 0.9,
  beta2: 0.999,
  decay: 'cosine',
  rounds: 200,
};

function run(spec: OptimizerSpec, gradients: (x: Float32Array, round: number) => number[]) {
  let parameters: Float32Array = Float32Array.of(1, -2);
  let state = initialOptimizerState(spec, 2);
  for (let round = 1; round <= spec.rounds; round++) {
    const sum = Float64Array.from(gradients(parameters, round), (g) => g * 40);
    ({ parameters, state } = serverStep({ parameters, state, sum, denominator: 40, round }));
  }
  return { parameters, state };
}

test('SGD adds momentum: three steps by hand', () => {
  const { parameters } = run({ ...sgd, rounds: 3 }, () => [1, -2]);
  // Velocities 1, 1.5, 1.75 times the gradient, each times the rate .5.
  expect(Array.from(parameters)).toEqual([1 - 2.125, -2 + 4.25]);
});

test('the first Adam step is the learning rate in the direction of the sign', () => {
  const { parameters } = run({ ...adam, rounds: 1 }, () => [3e-3, -7]);
  expect(parameters[0]).toBeCloseTo(0.9, 5);
  expect(parameters[1]).toBeCloseTo(-1.9, 5);
});

test('both find the minimum of a quadratic', () => {
  for (const spec of [adam, { ...sgd, learningRate: 0.05, rounds: 200 }]) {
    const { parameters } = run(spec, (x) => [x[0]! - 0.25, 3 * (x[1]! - 0.75)]);
    expect(parameters[0]).toBeCloseTo(0.25, 2);
    expect(parameters[1]).toBeCloseTo(0.75, 2);
  }
});

test('200 steps give these bytes on every machine', () => {
  const { parameters, state } = run(adam, (x, round) => [x[0]! / round, (round % 7) - 3]);
  // The same hash comes from these steps written in Python, with doubles rounded to float32.
  const bytes = [new Uint8Array(parameters.buffer), encodeOptimizerState(state)] as const;
  expect(hex(sha256(...bytes))).toBe(
    'f81dc4931443d76319222d72b4fd6494eba1af3a6afa24f893005006dc352b8d',
  );
});

test('a state survives its bytes', () => {
  for (const spec of [sgd, adam]) {
    const { state } = run(spec, (x) => [x[0]!, 2 * x[1]!]);
    const bytes = encodeOptimizerState(state);
    expect(decodeOptimizerState({ spec, dimension: 2, bytes })).toEqual(state);
    const short = bytes.subarray(8);
    expect(() => decodeOptimizerState({ spec, dimension: 2, bytes: short })).toThrow('bytes');
  }
});

test('the learning rate falls as named', () => {
  const at = (decay: Decay, round: number) => remaining({ ...sgd, decay, rounds: 100 }, round);
  for (let round = 1; round <= 100; round++) {
    const done = (round - 1) / 100;
    expect(at('none', round)).toBe(1);
    expect(at('linear', round)).toBe(1 - 0.9 * done);
    expect(at('cosine', round)).toBeCloseTo((1 + Math.cos(Math.PI * done)) / 2, 9);
  }
  expect(() => at('none', 0)).toThrow('round 0');
});

test('numbers out of range are programmer errors', () => {
  expect(() => initialOptimizerState({ ...sgd, momentum: 1 }, 2)).toThrow('[1]');
  expect(() => initialOptimizerState({ ...adam, learningRate: Number.NaN }, 2)).toThrow('NaN');
  const state = initialOptimizerState(sgd, 1);
  const step = { parameters: new Float32Array(1), state, sum: Float64Array.of(1), round: 1 };
  expect(() => serverStep({ ...step, denominator: 0 })).toThrow('over 0');
  expect(() => serverStep({ ...step, sum: Float64Array.of(NaN), denominator: 1 })).toThrow(
    'finite',
  );
});
