import { networkFromSafetensors, networkToSafetensors } from '@tacit/models/export/network-file.ts';
import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import { networkOf } from './network-of.ts';

type Named = Pick<CompiledPlan, 'runId' | 'authored' | 'contract'>;

/** The bytes a model travels and is stored as: safetensors whose card states the guarantee. */
export function modelBytes(plan: Named, parameters: Float32Array): Uint8Array {
  return networkToSafetensors({
    network: networkOf(plan),
    parameters,
    card: {
      version: plan.runId,
      heads: plan.contract.heads.map((head) => head.name),
      contract: `${plan.contract.id}/${plan.contract.version}`,
      epsilonStatement: epsilonStatement(plan.authored),
    },
  });
}

/** The parameters in a model's bytes; refused when they are not of this plan's network. */
export function parametersOf(plan: Named, bytes: Uint8Array): Float32Array | Refusal {
  const read = networkFromSafetensors(bytes);
  if (isRefusal(read)) return read;
  const { dimension } = networkOf(plan);
  if (read.parameters.length === dimension) return read.parameters;
  return refuse('model-unverified', { parameters: read.parameters.length, expected: dimension });
}

/** SHA-256 of a model's exact bytes, lower-case hex. */
export function modelHashOf(bytes: Uint8Array): string {
  return hex(sha256(bytes));
}

/** The guarantee a run was planned for, in words that name unit, neighbours and adversary. */
export function epsilonStatement(authored: CompiledPlan['authored']): string {
  const { epsilon, evaluationEpsilon, delta } = authored.budget;
  return (
    `epsilon at most ${epsilon} (learners who trained) or ${evaluationEpsilon} (held-out ` +
    `learners) at delta ${delta}; unit: learner, neighbours: data used or replaced by nothing; ` +
    'against whoever sees every release of the run, helped by the tolerated number of ' +
    'colluding agents'
  );
}
