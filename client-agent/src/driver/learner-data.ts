import {
  applyContract,
  type Dataset,
  type FeatureContract,
} from '@tacit/models/outcome/feature-contract.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { loadSource, type SourceSpec } from '../data/source.ts';
import { type Split, splitLearners } from '../data/split.ts';

/** The two disjoint populations of one business unit, as a model reads them. */
export interface LearnerData {
  readonly training: Dataset;
  readonly heldOut: Dataset;
}

/** Reads the source, applies the contract and splits learners by the charter's public hash. */
export function loadLearnerData(input: {
  source: SourceSpec;
  contract: FeatureContract;
  split: Split;
}): LearnerData | Refusal {
  const records = loadSource(input.source, input.contract);
  if (isRefusal(records)) return records;
  const parts = splitLearners(records, input.split);
  const training = applyContract(input.contract, parts.train);
  if (isRefusal(training)) return training;
  const heldOut = applyContract(input.contract, parts.heldOut);
  if (isRefusal(heldOut)) return heldOut;
  return { training, heldOut };
}
