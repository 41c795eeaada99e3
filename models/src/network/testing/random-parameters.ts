import { u32 } from '@tacit/privacy/crypto/bytes.ts';
import { H } from '@tacit/privacy/crypto/hash.ts';
import { Prg } from '@tacit/privacy/crypto/prg.ts';
import { initialParameters } from '../initial-parameters.ts';
import { layout, type NetworkSpec } from '../network.ts';

/**
 * Initial parameters with weights to the heads uniform within sqrt(1 / inputWidth): a network that
 * has learnt something, for tests and benches. Heads that start at zero let nothing flow back into
 * the hidden layers.
 */
export function randomParameters(spec: NetworkSpec, seed: number): Float32Array {
  const parameters = initialParameters(spec, seed);
  const { inputWidth, offset, biasOffset } = layout(spec).layers.at(-1)!;
  const words = new Uint32Array(biasOffset - offset);
  new Prg(H('random-heads', u32(seed))).fill(new Uint8Array(words.buffer));
  for (const [i, word] of words.entries()) {
    parameters[offset + i] = (word / 2 ** 31 - 1) / Math.sqrt(inputWidth);
  }
  return parameters;
}
