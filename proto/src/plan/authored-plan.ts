import { z } from 'zod';

const fraction = z.number().gt(0).max(1);
const positive = z.number().positive().finite();

const optimizer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sgd'),
    learningRate: positive,
    momentum: z.number().min(0).lt(1).default(0.9),
    decay: z.enum(['none', 'linear', 'cosine']).default('linear'),
  }),
  z.strictObject({
    kind: z.literal('adam'),
    learningRate: positive,
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
    decay: z.enum(['none', 'linear', 'cosine']).default('linear'),
  }),
]);

/**
 * What an ML engineer writes: purpose, model, rounds and the budget the run may use. No noise, no
 * sensitivity and no noise multiplier can be written here; they are derived from the budget.
 */
export const authoredPlan = z.strictObject({
  apiVersion: z.literal('tacit/v1'),
  kind: z.literal('Plan'),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a-z, 0-9 and hyphens, at most 63'),
  purpose: z.string().min(1).max(64),
  /** Feature contract, `id/version`, compiled into agents. */
  contract: z.string().regex(/^[a-z0-9-]+\/\d+$/, 'id/version'),
  /** Which learners train and which are held out: a public hash, the same in all plans for ever. */
  split: z.strictObject({
    salt: z.string().min(1).max(64),
    trainPercent: z.int().min(1).max(99),
  }),
  model: z.strictObject({
    kind: z.enum(['outcome-logistic', 'outcome-mlp']),
    hidden: z.array(z.int().min(1).max(1024)).max(4).default([]),
    initialSeed: z.int().min(0).max(0xffffffff).default(1),
  }),
  training: z.strictObject({
    rounds: z.int().min(1).max(100_000),
    /** Rounds' worth of budget set aside for slots that are burned after an upload left. */
    spareRounds: z.int().min(0).max(1000).default(2),
    /** Sampling rate of the business unit with the largest budget; the others' are derived. */
    rate: fraction,
    /** L2 bound on one learner's gradient. */
    clipNorm: positive,
    optimizer,
  }),
  evaluation: z.strictObject({
    /** Training rounds after which held-out learners are scored by a private sum. */
    afterRounds: z.array(z.int().min(1)).min(1).max(20),
  }),
  /**
   * The guarantee asked for, per learner (zero-out). Learners who train spend `epsilon`, held-out
   * ones `evaluationEpsilon`: nobody is in both groups.
   */
  budget: z.strictObject({
    epsilon: z.number().gt(0).max(100),
    evaluationEpsilon: z.number().gt(0).max(100),
    delta: z.number().gt(0).max(0.001),
    /** Renyi orders the noise is calibrated at: those of the units' accounts (policy.yaml). */
    filterOrders: z
      .strictObject({
        training: z.number().gt(1.04).max(1024).default(8),
        evaluation: z.number().gt(1.04).max(1024).default(8),
      })
      .prefault({}),
    /** Other budgets of single business units: their epsilon and their account's order. */
    perBu: z
      .record(
        z.string(),
        z.strictObject({
          epsilon: z.number().gt(0).max(100),
          filterOrder: z.number().gt(1.04).max(1024),
        }),
      )
      .default({}),
  }),
  /** Tries of one round before the run fails. */
  attempts: z.int().min(1).max(3).default(3),
});

/** See `authoredPlan`. */
export type AuthoredPlan = z.infer<typeof authoredPlan>;
