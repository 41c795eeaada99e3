import { ouladDay56 } from '@tacit/models/outcome/contracts/oulad-day56.ts';
import { syntheticContract } from '@tacit/models/outcome/contracts/synthetic.ts';
import type { FeatureContract } from '@tacit/models/outcome/feature-contract.ts';
import { type Refusal, refuse } from '@tacit/privacy/refusal.ts';

/** The feature contracts a plan can name, as `id/version`. */
export const builtInContracts: readonly FeatureContract[] = [ouladDay56, syntheticContract];

/** The contract of that name, or a refusal that lists the names there are. */
export function contractNamed(name: string): FeatureContract | Refusal {
  const nameOf = ({ id, version }: FeatureContract) => `${id}/${version}`;
  const found = builtInContracts.find((contract) => nameOf(contract) === name);
  return found ?? refuse('plan-contract', { contract: name, known: builtInContracts.map(nameOf) });
}
