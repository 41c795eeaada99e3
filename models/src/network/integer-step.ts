import { clipBound, clippedWeight, GradientQuantizer } from '@tacit/privacy/mechanism/quantize.ts';
import type { Backend } from '../backend-port.ts';
import type { Dataset } from './dataset.ts';
import { learnerNorm } from './learner-norm.ts';
import type { Network } from './network.ts';
import { Passes } from './passes.ts';
import { blocksOf } from './row-block.ts';

/** Grid of the pipeline `reference-nearest/v1`. */
export interface Quantiser {
  /** Grid units per unit of gradient. */
  readonly scale: number;
  /** Integer sensitivity: largest L2 norm of one learner's integers. */
  readonly deltaGrid: number;
  /** L2 bound of one learner's gradient. */
  readonly clip: number;
}

/**
 * What an agent adds to a training sum: the drawn learners' gradients, each clipped, put on the
 * grid, rounded to nearest, tested as integers (SECAGG.md section 15), summed modulo 2^32. A
 * learner whose gradient is not finite adds nothing. `parameters`: flat, `drawn`: indices into
 * the roll.
 */
export function integerStep(options: {
  backend: Backend;
  network: Network;
  parameters: Float32Array;
  data: Dataset;
  drawn: Uint32Array;
  quantiser: Quantiser;
}): Int32Array {
  const { network, quantiser } = options;
  const { scale, deltaGrid, clip } = quantiser;
  const { dimension } = network;
  if (!(clip > 0)) throw new RangeError(`clip ${clip}`);
  const bound = Math.min(clip, clipBound({ scale, deltaGrid, dimension }));
  const sum = new Int32Array(dimension);
  const quantizer = new GradientQuantizer({ deltaGrid, layers: network.layers, sum });
  const passes = new Passes(options);
  for (const block of blocksOf(options)) {
    const layers = passes.backward(block);
    for (const { firstRow, rowCount } of block.learners) {
      const { normSquared } = learnerNorm(layers, { firstRow, rowCount });
      const weight = clippedWeight({ norm: Math.sqrt(normSquared), bound, scale });
      quantizer.add({ layers, firstRow, rowCount, weight });
    }
  }
  return sum;
}
