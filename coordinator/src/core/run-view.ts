import { coverageOf, type Run } from './run.ts';

/** A run as people see it: states, public constants and released figures. */
export function runView(run: Run): object {
  const { runId, status, failure, plan, planHash, version, modelHash, evaluations } = run;
  const released = run.rounds.length;
  return {
    runId,
    name: plan.authored.name,
    status,
    ...(failure ? { failure } : {}),
    planHash,
    round: released,
    rounds: run.schedule.length,
    model: { version, hash: modelHash },
    survivorsMin: released ? Math.min(...run.rounds.map((r) => r.survivors.length)) : null,
    coverage: released ? coverageOf(run) : {},
    guarantee: {
      epsilon: plan.authored.budget.epsilon,
      evaluationEpsilon: plan.authored.budget.evaluationEpsilon,
      delta: plan.authored.budget.delta,
      unit: 'learner',
      neighbours: 'zero-out',
      accountant: 'rdp',
      noiseMultiplier: plan.training.noiseMultiplier,
      survivorsMin: plan.training.survivorsMin,
      colluders: plan.training.colluders,
    },
    evaluations,
  };
}
