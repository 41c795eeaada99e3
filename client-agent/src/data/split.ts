import type { LearnerRecord } from '@tacit/models/outcome/feature-contract.ts';
import { utf8 } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';

/** A fixed public rule that sends each learner to training or to evaluation, for ever. */
export interface Split {
  readonly salt: string;
  /** Whole percent of the learners that train, 1 to 99. */
  readonly trainPercent: number;
}

/** The split of the fixed Open University task. */
export const ouladSplit: Split = { salt: 'oulad-v1:', trainPercent: 80 };

/**
 * Parts records by learner. The populations are disjoint in every plan, so one learner pays for
 * training or for evaluation, never for both (PRIVACY.md section 11).
 */
export function splitLearners(
  records: readonly LearnerRecord[],
  split: Split,
): { train: LearnerRecord[]; heldOut: LearnerRecord[] } {
  const train: LearnerRecord[] = [];
  const heldOut: LearnerRecord[] = [];
  for (const record of records)
    (isTraining(record.learnerId, split) ? train : heldOut).push(record);
  return { train, heldOut };
}

/** Whether a learner trains: SHA-256(salt, id), first four bytes big-endian, modulo 100. */
export function isTraining(learnerId: string, { salt, trainPercent }: Split): boolean {
  if (!Number.isInteger(trainPercent) || trainPercent < 1 || trainPercent > 99) {
    throw new RangeError(`trainPercent ${trainPercent}, expected 1 to 99`);
  }
  const digest = sha256(utf8(salt), utf8(learnerId));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0) % 100 < trainPercent;
}
