import { u32 } from '@tacit/privacy/crypto/bytes.ts';
import { H } from '@tacit/privacy/crypto/hash.ts';
import { Prg } from '@tacit/privacy/crypto/prg.ts';
import { layout, type NetworkSpec } from './network.ts';

/**
 * Starting parameters, flat, the same bytes on every machine for the same spec and seed: integers
 * from a keyed stream, exactly rounded operations only. Weights before a ReLU are uniform within
 * sqrt(6 / inputWidth) (He et al. 2015, arXiv 1502.01852, section 2.2). Biases are zero, and so are
 * the weights to the heads: every learner then starts from a score of one half, and the first
 * clipped gradients speak of the labels rather than of the seed.
 * `seed`: integer below 2^32.
 */
export function initialParameters(spec: NetworkSpec, seed: number): Float32Array {
  const { layers, dimension } = layout(spec);
  const parameters = new Float32Array(dimension);
  const stream = new Prg(H('initial-parameters', u32(seed)));
  for (const { inputWidth, offset, biasOffset } of layers.slice(0, -1)) {
    const limit = Math.sqrt(6 / inputWidth);
    const bytes = stream.bytes(4 * (biasOffset - offset));
    const integers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = offset; at < biasOffset; at++) {
      const uniform = (integers.getUint32(4 * (at - offset), true) + 0.5) / 2 ** 31 - 1;
      parameters[at] = Math.fround(limit * uniform);
    }
  }
  return parameters;
}
