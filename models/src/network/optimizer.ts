/** How the learning rate falls over the rounds: `linear` to a tenth, `cosine` to nothing. */
export type Decay = 'none' | 'linear' | 'cosine';

/** Stochastic gradient descent with heavy-ball momentum. */
export interface SgdSpec {
  readonly kind: 'sgd';
  readonly learningRate: number;
  /** In [0, 1); 0: plain SGD. */
  readonly momentum: number;
  readonly decay: Decay;
  /** Rounds of the plan: what the decay is a share of. */
  readonly rounds: number;
}

/** Adam (Kingma and Ba, 1412.6980, algorithm 1) with its epsilon 1e-8. */
export interface AdamSpec {
  readonly kind: 'adam';
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly decay: Decay;
  readonly rounds: number;
}

/** What turns a released sum into the next model. */
export type OptimizerSpec = SgdSpec | AdamSpec;

/** What an optimizer remembers between steps. A step returns a new state, the old one is dead. */
export interface OptimizerState {
  readonly spec: OptimizerSpec;
  /** Steps taken: rounds without a published sum take none. */
  readonly steps: number;
  /** Running mean of gradients (Adam) or velocity (SGD). */
  readonly first: Float64Array;
  /** Running mean of squared gradients (Adam); empty for SGD. */
  readonly second: Float64Array;
}

/** State before the first step. Throws RangeError on numbers out of range. */
export function initialOptimizerState(spec: OptimizerSpec, dimension: number): OptimizerState {
  checkSpec(spec);
  return {
    spec,
    steps: 0,
    first: new Float64Array(dimension),
    second: new Float64Array(spec.kind === 'adam' ? dimension : 0),
  };
}

/**
 * One server step on a decoded noised sum of gradients. `denominator`: the fixed public expected
 * number of learners in the sum; `round`: counted from 1. Only exactly rounded operations are
 * used, so everyone who holds the published sum computes the same bytes. Throws on a sum that is
 * not finite.
 */
export function serverStep(options: {
  parameters: Float32Array;
  state: OptimizerState;
  sum: Float64Array;
  denominator: number;
  round: number;
}): { parameters: Float32Array; state: OptimizerState } {
  const { parameters, state, sum, denominator, round } = options;
  if (sum.length !== parameters.length || state.first.length !== parameters.length) {
    throw new RangeError(`sum of ${sum.length} for ${parameters.length} parameters`);
  }
  if (!(denominator > 0 && denominator < Infinity)) throw new RangeError(`over ${denominator}`);
  const mean = sum.map((x) => x / denominator);
  if (!mean.every(Number.isFinite)) throw new RangeError('sum of gradients is not finite');
  const rate = state.spec.learningRate * remaining(state.spec, round);
  return state.spec.kind === 'adam'
    ? adam({ spec: state.spec, parameters, state, mean, rate })
    : sgd({ spec: state.spec, parameters, state, mean, rate });
}

/** Share of the learning rate in force at a round, counted from 1: 1 at first, above 0 at last. */
export function remaining(spec: OptimizerSpec, round: number): number {
  if (!(Number.isInteger(round) && round >= 1)) throw new RangeError(`round ${round}`);
  const done = Math.min((round - 1) / spec.rounds, 1);
  if (spec.decay === 'none') return 1;
  return spec.decay === 'linear' ? 1 - 0.9 * done : (1 - sineOfHalfTurns(done - 0.5)) / 2;
}

/** Little-endian: steps, then `first`, then `second`, as doubles. */
export function encodeOptimizerState(state: OptimizerState): Uint8Array {
  const values = Float64Array.of(state.steps);
  const out = new Uint8Array(8 * (1 + state.first.length + state.second.length));
  out.set(bytesOf(values), 0);
  out.set(bytesOf(state.first), 8);
  out.set(bytesOf(state.second), 8 * (1 + state.first.length));
  return out;
}

/** Inverse of `encodeOptimizerState`; throws RangeError when the bytes are not of that state. */
export function decodeOptimizerState(options: {
  spec: OptimizerSpec;
  dimension: number;
  bytes: Uint8Array;
}): OptimizerState {
  const { spec, dimension, bytes } = options;
  const empty = initialOptimizerState(spec, dimension);
  const expected = 8 * (1 + empty.first.length + empty.second.length);
  if (bytes.length !== expected) throw new RangeError(`${bytes.length} bytes, not ${expected}`);
  const values = new Float64Array(bytes.slice().buffer);
  const steps = values[0]!;
  if (!(Number.isSafeInteger(steps) && steps >= 0)) throw new RangeError(`${steps} steps`);
  return {
    spec,
    steps,
    first: values.slice(1, 1 + dimension),
    second: values.slice(1 + dimension),
  };
}

interface Step<Spec> {
  spec: Spec;
  parameters: Float32Array;
  state: OptimizerState;
  mean: Float64Array;
  rate: number;
}

function sgd({ spec, parameters, state, mean, rate }: Step<SgdSpec>) {
  const first = state.first.map((velocity, i) => spec.momentum * velocity + mean[i]!);
  return {
    parameters: parameters.map((x, i) => Math.fround(x - rate * first[i]!)),
    state: { ...state, steps: state.steps + 1, first },
  };
}

function adam({ spec, parameters, state, mean, rate }: Step<AdamSpec>) {
  const { beta1, beta2 } = spec;
  const steps = state.steps + 1;
  const first = state.first.map((m, i) => beta1 * m + (1 - beta1) * mean[i]!);
  const second = state.second.map((v, i) => beta2 * v + (1 - beta2) * mean[i]! * mean[i]!);
  const unbias1 = 1 - integerPower(beta1, steps);
  const unbias2 = 1 - integerPower(beta2, steps);
  return {
    parameters: parameters.map((x, i) => {
      const spread = Math.sqrt(second[i]! / unbias2) + 1e-8;
      return Math.fround(x - (rate * (first[i]! / unbias1)) / spread);
    }),
    state: { ...state, steps, first, second },
  };
}

/** `base ** exponent` may differ between engines; repeated multiplication does not. */
function integerPower(base: number, exponent: number): number {
  let power = 1;
  for (let i = 0; i < exponent; i++) power *= base;
  return power;
}

/**
 * sin(pi x) for |x| <= 1/2 to 1e-9, by its Taylor polynomial: Math.sin may differ between
 * engines.
 */
function sineOfHalfTurns(x: number): number {
  const angle = Math.PI * x;
  const square = angle * angle;
  let sum = 1;
  for (let n = 14; n >= 2; n -= 2) sum = 1 - (square / (n * (n + 1))) * sum;
  return angle * sum;
}

function checkSpec(spec: OptimizerSpec): void {
  const shares = spec.kind === 'adam' ? [spec.beta1, spec.beta2] : [spec.momentum];
  if (!(spec.learningRate > 0 && spec.learningRate < Infinity)) {
    throw new RangeError(`learningRate ${spec.learningRate}`);
  }
  if (!shares.every((share) => share >= 0 && share < 1)) {
    throw new RangeError(`${spec.kind} averages over [${shares}], each needs [0, 1)`);
  }
  if (!(Number.isInteger(spec.rounds) && spec.rounds >= 1)) {
    throw new RangeError(`rounds ${spec.rounds}`);
  }
}

function bytesOf(values: Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
