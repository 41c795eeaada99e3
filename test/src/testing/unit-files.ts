import { syntheticContract } from '@tacit/models/outcome/contracts/synthetic.ts';
import { contractFields } from '@tacit/models/outcome/feature-contract.ts';
import type { Charter } from '@tacit/privacy/budget/charter.ts';
import type { BuPolicy } from '@tacit/privacy/budget/policy.ts';

/** Policy and charter of a unit that admits the small plan of `authored`. */
export function unitFiles(bu: string): { policy: BuPolicy; charter: Charter } {
  const ceiling = { epsilon: 2, delta: 1e-5, filterOrder: 8 };
  return {
    policy: {
      bu,
      ceilings: { training: ceiling, evaluation: ceiling },
      periodDays: 365,
      survivorsMin: 3,
      colludersMin: 1,
      modelKinds: ['outcome-logistic'],
      purposes: ['learning'],
      roundsMax: 100,
    },
    charter: {
      bu,
      version: 1,
      fields: contractFields(syntheticContract),
      purposes: ['learning'],
      split: { salt: 'synthetic-v1:', trainPercent: 80 },
      learnerField: syntheticContract.learnerField,
      rowsPerLearnerMax: 3,
      minimumGroup: 10,
    },
  };
}
