import type { LearnerRecord } from '@tacit/models/outcome/feature-contract.ts';
import type { Refusal } from '@tacit/privacy/refusal.ts';

/** The rows of a source that can be read and told to belong to a learner. */
export interface LearnerRecords {
  readonly records: readonly LearnerRecord[];
  /** One refusal for each row that is not among `records`; it shows neither a value nor an id. */
  readonly dropped: readonly Refusal[];
}
