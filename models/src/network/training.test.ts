import { expect, test } from 'vitest';
import { loadBackend } from '../backend.ts';
import { auc, columnOf } from '../metrics/exact.ts';
import type { Dataset } from './dataset.ts';
import { initialParameters } from './initial-parameters.ts';
import { integerStep } from './integer-step.ts';
import { layout, type NetworkSpec } from './network.ts';
import { initialOptimizerState, type OptimizerSpec, serverStep } from './optimizer.ts';
import { predict } from './predict.ts';

const optimizer: OptimizerSpec = {
  kind: 'adam',
  learningRate: 0.05,
  beta1: 0.9,
  beta2: 0.999,
  decay: 'linear',
  rounds: 40,
};
const quantiser = { scale: 2000, deltaGrid: 2000, clip: 1 };

test('integer sums teach a hidden layer what a logistic network cannot learn', async () => {
  const backend = await loadBackend({ prefer: 'wasm' });
  const data = exclusiveOr(800);
  const scoreOf = (spec: NetworkSpec) => {
    const network = layout(spec);
    let parameters = initialParameters(spec, 1);
    let state = initialOptimizerState(optimizer, network.dimension);
    for (let round = 1; round <= optimizer.rounds; round++) {
      const drawn = Uint32Array.from({ length: 400 }, (_, i) => 2 * i + (round % 2));
      const integers = integerStep({ backend, network, parameters, data, drawn, quantiser });
      const sum = Float64Array.from(integers, (x) => x / quantiser.scale);
      ({ parameters, state } = serverStep({ parameters, state, sum, denominator: 400, round }));
    }
    const scores = predict({ backend, network, parameters, rows: data.rows });
    const head = (values: Float32Array) => columnOf(values, 2, 1);
    return auc({ scores: head(scores), labels: head(data.labels) });
  };
  const shape = { inputWidth: 2, headCount: 2 };
  expect(scoreOf({ kind: 'outcome-mlp', hidden: [16], ...shape })).toBeGreaterThan(0.95);
  expect(scoreOf({ kind: 'outcome-logistic', ...shape })).toBeLessThan(0.6);
});

/**
 * Two coordinates on a lattice in [-1, 1); head 0: the first is positive, head 1: the signs
 * differ.
 */
function exclusiveOr(learners: number): Dataset {
  const rows = Float32Array.from({ length: 2 * learners }, (_, i) => {
    const step = i % 2 === 0 ? 0.754877666 : 0.569840291;
    return 2 * ((((i >> 1) + 1) * step) % 1) - 1;
  });
  const labels = Float32Array.from({ length: 2 * learners }, (_, i) => {
    const [x, y] = [rows[i - (i % 2)]!, rows[i - (i % 2) + 1]!];
    return (i % 2 === 0 ? x > 0 : x > 0 !== y > 0) ? 1 : 0;
  });
  return { rows, labels, learnerRowStart: Uint32Array.from({ length: learners + 1 }, (_, i) => i) };
}
