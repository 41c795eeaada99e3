import { BLOCK_ROWS } from '../backend-check.ts';
import type { Backend } from '../backend-port.ts';
import type { Network } from './network.ts';
import { Passes, sigmoid } from './passes.ts';

/** Scores in [0, 1] of rows (n x inputWidth): n x headCount, one probability per head. */
export function predict(options: {
  backend: Backend;
  network: Network;
  parameters: Float32Array;
  rows: Float32Array;
}): Float32Array {
  const { network, rows } = options;
  const { inputWidth, headCount } = network;
  const rowCount = rows.length / inputWidth;
  if (!Number.isInteger(rowCount)) throw new RangeError(`${rows.length} inputs of ${inputWidth}`);
  const passes = new Passes(options);
  const scores = new Float32Array(rowCount * headCount);
  for (let start = 0; start < rowCount; start += BLOCK_ROWS) {
    const end = Math.min(rowCount, start + BLOCK_ROWS);
    const block = new Float32Array(BLOCK_ROWS * inputWidth);
    block.set(rows.subarray(start * inputWidth, end * inputWidth));
    const logits = passes.logits(block).subarray(0, (end - start) * headCount);
    scores.set(logits.map(sigmoid), start * headCount);
  }
  return scores;
}
