import { initialParameters } from '@tacit/models/network/initial-parameters.ts';
import { layout, type Network, type NetworkSpec } from '@tacit/models/network/network.ts';
import type { CompiledPlan } from './compiled-plan.ts';

/** The network a plan trains: its shape follows from model kind and feature contract. */
export function networkOf(plan: Pick<CompiledPlan, 'authored' | 'contract'>): Network {
  const { kind, hidden } = plan.authored.model;
  const inputWidth = plan.contract.features.length;
  const headCount = plan.contract.heads.length;
  const spec: NetworkSpec =
    kind === 'outcome-mlp'
      ? { kind, inputWidth, hidden, headCount }
      : { kind, inputWidth, headCount };
  return layout(spec);
}

/** The parameters every run of a plan starts from; the same on every machine. */
export function startOf(plan: Pick<CompiledPlan, 'authored' | 'contract'>): Float32Array {
  return initialParameters(networkOf(plan).spec, plan.authored.model.initialSeed);
}
