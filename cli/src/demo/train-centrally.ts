import type { Backend } from '@tacit/models/backend-port.ts';
import type { Dataset } from '@tacit/models/network/dataset.ts';
import { gradientStep } from '@tacit/models/network/gradient-step.ts';
import { initialParameters } from '@tacit/models/network/initial-parameters.ts';
import { integerStep } from '@tacit/models/network/integer-step.ts';
import type { Network } from '@tacit/models/network/network.ts';
import { initialOptimizerState, serverStep } from '@tacit/models/network/optimizer.ts';
import { utf8 } from '@tacit/privacy/crypto/bytes.ts';
import { H } from '@tacit/privacy/crypto/hash.ts';
import { Prg } from '@tacit/privacy/crypto/prg.ts';
import { sampleInto } from '@tacit/privacy/mechanism/discrete-gaussian.ts';
import { poissonSample, rateToThreshold } from '@tacit/privacy/mechanism/poisson.ts';
import type { AuthoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import { optimizerOf } from '@tacit/proto/plan/optimizer-of.ts';

/** One model trained in one place on data that place may see; only a demonstration can. */
export interface CentralTraining {
  readonly backend: Backend;
  readonly network: Network;
  readonly plan: AuthoredPlan;
  readonly data: Dataset;
  /** Names the random stream, so that every baseline draws its own. */
  readonly stream: string;
}

/** How a baseline without privacy is trained: mini-batches of learners, decoupled weight decay. */
export interface PlainRecipe {
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
}

/** One model without clipping, noise or sampling secrecy: Adam over shuffled epochs. */
export function trainPlainly(training: CentralTraining & { recipe: PlainRecipe }): Float32Array {
  const { backend, network, data, plan, recipe, stream } = training;
  const learners = data.learnerRowStart.length - 1;
  const stepsPerEpoch = Math.max(1, Math.ceil(learners / recipe.batch));
  const rounds = recipe.epochs * stepsPerEpoch;
  const { learningRate } = recipe;
  const adam = { kind: 'adam', learningRate, beta1: 0.9, beta2: 0.999, decay: 'linear' } as const;
  let parameters = initialParameters(network.spec, plan.model.initialSeed);
  let state = initialOptimizerState({ ...adam, rounds }, parameters.length);
  for (let epoch = 0, round = 1; epoch < recipe.epochs; epoch++) {
    const order = shuffled(learners, streamOf(stream, `epoch-${epoch}`));
    for (let start = 0; start < learners; start += recipe.batch, round++) {
      const drawn = order.slice(start, start + recipe.batch).sort();
      const sum = gradientStep({ backend, network, parameters, data, drawn });
      ({ parameters, state } = serverStep({
        parameters: parameters.map((x) => x * (1 - learningRate * recipe.weightDecay)),
        state,
        sum,
        denominator: drawn.length,
        round,
      }));
    }
  }
  return parameters;
}

/**
 * The same with the guarantee a unit could give alone: clipped integers and the whole discrete
 * noise, at the noise multiplier of a lone trusted holder of the data.
 */
export function trainPrivately(
  training: CentralTraining & {
    quantiser: { scale: number; deltaGrid: number; clip: number };
    noiseMultiplier: number;
  },
): Float32Array {
  const { backend, network, data, quantiser, noiseMultiplier, stream } = training;
  const variance = Math.ceil((noiseMultiplier * quantiser.deltaGrid) ** 2 + 2.25);
  let round = 0;
  return train(training, (parameters, drawn) => {
    const sum = integerStep({ backend, network, parameters, data, drawn, quantiser });
    sampleInto(sum, variance, streamOf(stream, `noise-${round++}`));
    return Float64Array.from(sum, (x) => x / quantiser.scale);
  });
}

function train(
  training: CentralTraining,
  step: (parameters: Float32Array, drawn: Uint32Array) => Float64Array,
): Float32Array {
  const { network, plan, data, stream } = training;
  const { rounds, rate } = plan.training;
  const learners = data.learnerRowStart.length - 1;
  let parameters = initialParameters(network.spec, plan.model.initialSeed);
  let state = initialOptimizerState(optimizerOf(plan), parameters.length);
  for (let round = 1; round <= rounds; round++) {
    const coins = streamOf(stream, `sample-${round}`);
    const drawn = poissonSample(learners, rateToThreshold(rate), coins);
    const sum = step(parameters, drawn);
    const denominator = Math.max(1, learners * rate);
    ({ parameters, state } = serverStep({ parameters, state, sum, denominator, round }));
  }
  return parameters;
}

function shuffled(count: number, coins: Prg): Uint32Array {
  const words = new Uint32Array(count);
  coins.fill(new Uint8Array(words.buffer));
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  return order.sort((a, b) => words[a] - words[b]);
}

function streamOf(stream: string, purpose: string): Prg {
  return new Prg(H('demo-baseline', utf8(stream), utf8(purpose)));
}
