import { type AuthoredPlan, authoredPlan } from '../plan/authored-plan.ts';

/** A small sound plan on the built-in cohort; `change` edits the authored form before parsing. */
export function authored(change: (plan: Record<string, unknown>) => void = () => {}): AuthoredPlan {
  const plan: Record<string, unknown> = {
    apiVersion: 'tacit/v1',
    kind: 'Plan',
    name: 'small',
    purpose: 'learning',
    contract: 'synthetic-cohort/1',
    split: { salt: 'synthetic-v1:', trainPercent: 80 },
    model: { kind: 'outcome-logistic' },
    training: {
      rounds: 4,
      rate: 0.2,
      clipNorm: 1,
      optimizer: { kind: 'adam', learningRate: 0.1 },
    },
    evaluation: { afterRounds: [2, 4] },
    budget: { epsilon: 2, evaluationEpsilon: 2, delta: 1e-5 },
  };
  change(plan);
  return authoredPlan.parse(plan);
}
