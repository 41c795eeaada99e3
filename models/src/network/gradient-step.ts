import type { LayerRows } from '@tacit/privacy/mechanism/quantize.ts';
import { BLOCK_ROWS } from '../backend-check.ts';
import type { Backend } from '../backend-port.ts';
import type { Dataset } from './dataset.ts';
import { learnerNorm } from './learner-norm.ts';
import type { Network } from './network.ts';
import { Passes } from './passes.ts';
import { blocksOf, type LearnerRows } from './row-block.ts';

/** Per-learner clipping of a float step. */
export interface Clipping {
  /** L2 bound of one learner's gradient. */
  readonly norm: number;
  /** Bound, in units of `norm`, of what its rows could add up to (PRIVACY.md section 3.8, 3). */
  readonly rowCap: number;
}

/**
 * Sum of the drawn learners' gradients in float, one weighted product per layer and block. With
 * `clipping` each learner's gradient is bounded first and one that is not finite is left out;
 * without, it is the plain step of a baseline. No noise and no integer test: nothing of it may
 * leave an agent.
 */
export function gradientStep(options: {
  backend: Backend;
  network: Network;
  parameters: Float32Array;
  data: Dataset;
  drawn: Uint32Array;
  clipping?: Clipping;
}): Float64Array {
  const { backend, network, clipping } = options;
  const sum = new Float64Array(network.dimension);
  const passes = new Passes(options);
  for (const block of blocksOf(options)) {
    const layers = passes.backward(block);
    const weights = clipping && clippingWeights(layers, block.learners, clipping);
    for (const layer of layers) addProduct({ backend, layer, weights, sum });
  }
  return sum;
}

/** Factor of each row of a block: 0 for rows of no learner and of a learner that is left out. */
function clippingWeights(
  layers: readonly LayerRows[],
  learners: readonly LearnerRows[],
  { norm, rowCap }: Clipping,
): Float64Array {
  const weights = new Float64Array(BLOCK_ROWS);
  for (const learner of learners) {
    const { normSquared, termsSquared } = learnerNorm(layers, learner);
    const factor = Math.min(
      1,
      norm / Math.sqrt(normSquared),
      (rowCap * norm) / Math.sqrt(termsSquared),
    );
    const weight = normSquared < Infinity ? factor * (1 - 2 ** -20) : 0;
    weights.fill(weight, learner.firstRow, learner.firstRow + learner.rowCount);
    if (weight === 0) leaveOut(layers, learner);
  }
  return weights;
}

/** By selection, not by a zero weight: NaN times zero is NaN. */
function leaveOut(layers: readonly LayerRows[], { firstRow, rowCount }: LearnerRows): void {
  const end = firstRow + rowCount;
  for (const { inputs, inputWidth, deltas, outputWidth } of layers) {
    inputs.fill(0, firstRow * inputWidth, end * inputWidth);
    deltas.fill(0, firstRow * outputWidth, end * outputWidth);
  }
}

/** sum += (weights x deltas)^T (inputs, 1). */
function addProduct(options: {
  backend: Backend;
  layer: LayerRows;
  weights: Float64Array | undefined;
  sum: Float64Array;
}): void {
  const { backend, layer, weights, sum } = options;
  const { inputs, inputWidth, deltas, outputWidth, offset } = layer;
  const weighted = weights === undefined ? deltas : weighRows(deltas, outputWidth, weights);
  const product = backend.product({
    left: weighted,
    leftTransposed: true,
    right: inputs,
    rows: outputWidth,
    inner: BLOCK_ROWS,
    columns: inputWidth,
  });
  for (let at = 0; at < product.length; at++) sum[offset + at]! += product[at]!;
  const biases = sum.subarray(offset + product.length, offset + product.length + outputWidth);
  for (let at = 0; at < weighted.length; ) {
    for (let k = 0; k < outputWidth; k++) biases[k]! += weighted[at++]!;
  }
}

function weighRows(values: Float32Array, width: number, weights: Float64Array): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0, at = 0; row < weights.length; row++) {
    const weight = weights[row]!;
    for (const end = at + width; at < end; at++) out[at] = weight * values[at]!;
  }
  return out;
}
