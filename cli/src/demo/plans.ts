import { type AuthoredPlan, authoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import type { PlainRecipe } from './train-centrally.ts';

/** A plan with the settings its baselines without privacy do best at. */
export interface DemoPlan {
  readonly plan: AuthoredPlan;
  readonly recipes: { readonly local: PlainRecipe; readonly central: PlainRecipe };
}

/** What the demonstration trains on the built-in cohort. Tuned on other shapes of the cohort. */
export const syntheticDemo: DemoPlan = {
  plan: authoredPlan.parse({
    apiVersion: 'tacit/v1',
    kind: 'Plan',
    name: 'demo-synthetic',
    purpose: 'learning',
    contract: 'synthetic-cohort/1',
    split: { salt: 'synthetic-v1:', trainPercent: 80 },
    model: { kind: 'outcome-logistic' },
    training: {
      rounds: 60,
      rate: 0.3,
      clipNorm: 2,
      optimizer: { kind: 'adam', learningRate: 0.12, beta2: 0.99 },
    },
    evaluation: { afterRounds: [30, 60] },
    budget: {
      epsilon: 2,
      evaluationEpsilon: 2,
      delta: 1e-5,
      filterOrders: { training: 10, evaluation: 10 },
    },
  }),
  recipes: {
    local: { epochs: 25, batch: 64, learningRate: 0.01, weightDecay: 1e-3 },
    central: { epochs: 25, batch: 256, learningRate: 0.01, weightDecay: 1e-3 },
  },
};

/** What it trains on the Open University data. Tuned on a part of the training learners. */
export const ouladDemo: DemoPlan = {
  plan: authoredPlan.parse({
    apiVersion: 'tacit/v1',
    kind: 'Plan',
    name: 'demo-oulad',
    purpose: 'learning',
    contract: 'oulad-day56/1',
    split: { salt: 'oulad-v1:', trainPercent: 80 },
    model: { kind: 'outcome-mlp', hidden: [32] },
    training: {
      rounds: 200,
      rate: 0.1,
      clipNorm: 6,
      optimizer: { kind: 'adam', learningRate: 0.03, beta2: 0.99 },
    },
    evaluation: { afterRounds: [100, 200] },
    budget: {
      epsilon: 2,
      evaluationEpsilon: 2,
      delta: 1e-5,
      filterOrders: { training: 10, evaluation: 10 },
    },
  }),
  recipes: {
    local: { epochs: 36, batch: 64, learningRate: 0.005, weightDecay: 3e-3 },
    central: { epochs: 40, batch: 256, learningRate: 0.01, weightDecay: 1e-3 },
  },
};
