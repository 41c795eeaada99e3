import { u32 } from '@tacit/privacy/crypto/bytes.ts';
import { H } from '@tacit/privacy/crypto/hash.ts';
import { Prg } from '@tacit/privacy/crypto/prg.ts';
import { layout, type NetworkSpec } from './network.ts';

/**
 * Starting parameters, flat, the same bytes on every machine for the same spec and seed: integers
 * from a keyed stream, exactly rounded operations only. Biases are zero; weights before a ReLU
 * uniform within sqrt(6 / inputWidth) (He et al. 2015, arXiv 1502.01852, section 2.2), weights to
 * the heads within sqrt(1 / inputWidth); a logistic network, being convex, starts at zero.
 * `seed`: integer below 2^32.
 */
export function initialParameters(spec: NetworkSpec, seed: number): Float32Array {
  const { layers, dimension } = layout(spec);
  const parameters = new Float32Array(dimension);
  if (spec.kind === 'outcome-logistic') return parameters;
  const stream = new Prg(H('initial-parameters', u32(seed)));
  for (const [i, { inputWidth, offset, biasOffset }] of layers.entries()) {
    const limit = Math.sqrt((i === layers.length - 1 ? 1 : 6) / inputWidth);
    const bytes = stream.bytes(4 * (biasOffset - offset));
    const integers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = offset; at < biasOffset; at++) {
      const uniform = (integers.getUint32(4 * (at - offset), true) + 0.5) / 2 ** 31 - 1;
      parameters[at] = Math.fround(limit * uniform);
    }
  }
  return parameters;
}
