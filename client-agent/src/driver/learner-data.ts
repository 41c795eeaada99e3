import type { Dataset } from '@tacit/models/network/dataset.ts';
import { applyContract, type FeatureContract } from '@tacit/models/outcome/feature-contract.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { loadSource, type SourceSpec } from '../data/source.ts';
import { type Split, splitLearners } from '../data/split.ts';

/** What to read, how to turn it into inputs, and who trains. */
export interface LearnerDataSpec {
  readonly source: SourceSpec;
  readonly contract: FeatureContract;
  readonly split: Split;
}

/** The two disjoint populations of one business unit, as a model reads them. Ids stay behind. */
export interface LearnerData {
  readonly training: Dataset;
  readonly heldOut: Dataset;
}

/** Learner data as read, with what was not usable in its source. */
export interface LoadedLearnerData extends LearnerData {
  readonly dropped: DroppedRows;
}

/** What an agent's own log says about rows that were left out: no value and no id. */
export interface DroppedRows {
  readonly rows: number;
  /** Code, file, row and column of the first few, by row. */
  readonly first: readonly Refusal[];
}

/** Reads the source, applies the contract and splits learners by the charter's public hash. */
export function loadLearnerData(spec: LearnerDataSpec): LoadedLearnerData | Refusal {
  const source = loadSource(spec.source, spec.contract);
  if (isRefusal(source)) return source;
  const parts = splitLearners(source.records, spec.split);
  const training = applyContract(spec.contract, parts.train);
  if (isRefusal(training)) return training;
  const heldOut = applyContract(spec.contract, parts.heldOut);
  if (isRefusal(heldOut)) return heldOut;
  return {
    training: withoutIds(training.data),
    heldOut: withoutIds(heldOut.data),
    dropped: summary([...source.dropped, ...training.dropped, ...heldOut.dropped]),
  };
}

/** Learners of a data set. */
export function learnerCount(data: Dataset): number {
  return data.learnerRowStart.length - 1;
}

/** The arrays of a data set, for handing it to another thread without a copy. */
export function buffersOf({ training, heldOut }: LearnerData): ArrayBuffer[] {
  const parts = [training, heldOut].flatMap((d) => [d.rows, d.labels, d.learnerRowStart]);
  return parts.map((array) => array.buffer as ArrayBuffer);
}

const NAMED_ROWS_MAX = 5;

function summary(dropped: readonly Refusal[]): DroppedRows {
  const inOrder = dropped.toSorted((a, b) => Number(a.facts.row) - Number(b.facts.row));
  return { rows: dropped.length, first: inOrder.slice(0, NAMED_ROWS_MAX) };
}

function withoutIds({ rows, labels, learnerRowStart }: Dataset): Dataset {
  return { rows, labels, learnerRowStart };
}
