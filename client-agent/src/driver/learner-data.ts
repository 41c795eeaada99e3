import type { Dataset } from '@tacit/models/network/dataset.ts';
import {
  applyContract,
  type FeatureContract,
  type LearnerRecord,
} from '@tacit/models/outcome/feature-contract.ts';
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

/** Reads the source, applies the contract and splits learners by the charter's public hash. */
export function loadLearnerData(spec: LearnerDataSpec): LearnerData | Refusal {
  const records = loadSource(spec.source, spec.contract);
  if (isRefusal(records)) return records;
  const parts = splitLearners(records, spec.split);
  const training = withoutIds(spec.contract, parts.train);
  if (isRefusal(training)) return training;
  const heldOut = withoutIds(spec.contract, parts.heldOut);
  if (isRefusal(heldOut)) return heldOut;
  return { training, heldOut };
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

function withoutIds(
  contract: FeatureContract,
  records: readonly LearnerRecord[],
): Dataset | Refusal {
  const data = applyContract(contract, records);
  if (isRefusal(data)) return data;
  const { rows, labels, learnerRowStart } = data;
  return { rows, labels, learnerRowStart };
}
