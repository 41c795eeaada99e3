import type { Backend } from '@tacit/models/backend-port.ts';
import { encodeScores, scoreHistogram } from '@tacit/models/metrics/score-histogram.ts';
import { integerStep } from '@tacit/models/network/integer-step.ts';
import { predict } from '@tacit/models/network/predict.ts';
import { Prg } from '@tacit/privacy/crypto/prg.ts';
import type { Mechanism } from '@tacit/privacy/mechanism/mechanism.ts';
import { poissonSample } from '@tacit/privacy/mechanism/poisson.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import type { NoiseMaterial } from '@tacit/privacy/secagg/agent/event.ts';
import { noiseKeyOf } from '@tacit/privacy/secagg/hedge.ts';
import type { CompiledPlan } from '@tacit/proto/plan/compiled-plan.ts';
import { mechanismsOf } from '@tacit/proto/plan/mechanisms.ts';
import { parametersOf } from '@tacit/proto/plan/model-bytes.ts';
import { networkOf } from '@tacit/proto/plan/network-of.ts';
import type { RoundPurpose } from '@tacit/proto/plan/schedule.ts';
import type { LearnerData } from './learner-data.ts';

/**
 * The learners' part of one round: the clipped integer sum of this unit's learners with this unit's
 * share of noise. The un-noised sum exists only inside this call.
 */
export function contributionOf(input: {
  backend: Backend;
  data: LearnerData;
  plan: CompiledPlan;
  purpose: RoundPurpose;
  rateThreshold: number;
  modelBytes: Uint8Array;
  sampleKey: Uint8Array;
  noise: NoiseMaterial;
}): Int32Array | Refusal {
  const { plan, purpose } = input;
  const mechanisms = mechanismsOf(plan);
  if (isRefusal(mechanisms)) return mechanisms;
  const parameters = parametersOf(plan, input.modelBytes);
  if (isRefusal(parameters)) return parameters;
  const mechanism = mechanisms[purpose];
  const integers =
    purpose === 'training'
      ? gradientSum({ ...input, parameters, mechanism })
      : scoreSum({ ...input, parameters });
  mechanism.addNoise(integers, new Prg(noiseKeyOf(input.noise, integers).reveal()));
  return integers;
}

function gradientSum(input: {
  backend: Backend;
  data: LearnerData;
  plan: CompiledPlan;
  rateThreshold: number;
  sampleKey: Uint8Array;
  parameters: Float32Array;
  mechanism: Mechanism;
}): Int32Array {
  const { backend, data, plan, parameters, mechanism } = input;
  const learners = data.training.learnerRowStart.length - 1;
  const drawn = poissonSample(learners, input.rateThreshold, new Prg(input.sampleKey));
  const { scale, deltaGrid, clipNorm: clip } = mechanism;
  return integerStep({
    backend,
    network: networkOf(plan),
    parameters,
    data: data.training,
    drawn,
    quantiser: { scale, deltaGrid, clip },
  });
}

function scoreSum(input: {
  backend: Backend;
  data: LearnerData;
  plan: CompiledPlan;
  parameters: Float32Array;
}): Int32Array {
  const { backend, data, plan, parameters } = input;
  const network = networkOf(plan);
  const { rows, labels, learnerRowStart } = data.heldOut;
  const scores = predict({ backend, network, parameters, rows });
  const histogram = scoreHistogram(network.headCount);
  return encodeScores({ histogram, scores, labels, learnerRowStart });
}
