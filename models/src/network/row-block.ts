import { BLOCK_ROWS } from '../backend-check.ts';
import type { Dataset } from './dataset.ts';
import type { Network } from './network.ts';

/** Rows of one learner inside a block. */
export interface LearnerRows {
  readonly firstRow: number;
  readonly rowCount: number;
}

/** A fixed number of rows for one product; unused rows are zero and have no label. */
export interface RowBlock {
  /** BLOCK_ROWS x inputWidth. */
  readonly inputs: Float32Array;
  /** BLOCK_ROWS x headCount. */
  readonly labels: Float32Array;
  readonly learners: readonly LearnerRows[];
}

/**
 * The drawn learners' rows, packed whole learner by whole learner into padded blocks. A drawn
 * learner without rows leaves no trace. Throws RangeError on a dataset that does not fit the
 * network and on more than BLOCK_ROWS rows of one learner.
 */
export function* blocksOf(options: {
  network: Network;
  data: Dataset;
  drawn: Uint32Array;
}): Generator<RowBlock> {
  const { network, data, drawn } = options;
  checkWidths(network, data);
  let block = emptyBlock(network);
  let used = 0;
  for (const learner of drawn) {
    const start = data.learnerRowStart[learner]!;
    const rowCount = data.learnerRowStart[learner + 1]! - start;
    if (!(rowCount >= 0 && rowCount <= BLOCK_ROWS)) throw new RangeError(`${rowCount} rows`);
    if (rowCount === 0) continue;
    if (used + rowCount > BLOCK_ROWS) {
      yield block;
      block = emptyBlock(network);
      used = 0;
    }
    copyRows({ from: data.rows, start, rowCount, to: block.inputs, at: used });
    copyRows({ from: data.labels, start, rowCount, to: block.labels, at: used });
    block.learners.push({ firstRow: used, rowCount });
    used += rowCount;
  }
  if (used > 0) yield block;
}

function emptyBlock(network: Network) {
  return {
    inputs: new Float32Array(BLOCK_ROWS * network.inputWidth),
    labels: new Float32Array(BLOCK_ROWS * network.headCount).fill(Number.NaN),
    learners: [] as LearnerRows[],
  };
}

function copyRows(copy: {
  from: Float32Array;
  start: number;
  rowCount: number;
  to: Float32Array;
  at: number;
}): void {
  const width = copy.to.length / BLOCK_ROWS;
  const rows = copy.from.subarray(copy.start * width, (copy.start + copy.rowCount) * width);
  copy.to.set(rows, copy.at * width);
}

function checkWidths(network: Network, { rows, labels, learnerRowStart }: Dataset): void {
  const rowCount = learnerRowStart.at(-1) ?? 0;
  if (rows.length === rowCount * network.inputWidth) {
    if (labels.length === rowCount * network.headCount) return;
  }
  throw new RangeError(`${rows.length} inputs, ${labels.length} labels for ${rowCount} rows`);
}
