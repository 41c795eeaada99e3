import { syntheticContract } from '@tacit/models/outcome/contracts/synthetic.ts';
import { composedRdp } from '@tacit/privacy/accounting/accountant.ts';
import { epsilonAt } from '@tacit/privacy/accounting/convert.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import type { AuthoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import { compiledPlan, planBytes } from '@tacit/proto/plan/compiled-plan.ts';
import { budgetedRounds, floorEvent, mechanismsOf, rateOf } from '@tacit/proto/plan/mechanisms.ts';
import { authored } from '@tacit/proto/testing/authored.ts';
import { signedManifest } from '@tacit/proto/testing/signed-manifest.ts';
import { expect, test } from 'vitest';
import { compilePlan } from './compile-plan.ts';

const manifest = signedManifest(8);

test('every unit stays inside its own epsilon, and uses nearly all of it', () => {
  const plan = planWithSmallBudget();
  const mechanisms = mechanismsOf(plan);
  if (isRefusal(mechanisms)) throw new Error(mechanisms.refused);
  for (const participant of plan.participants) {
    const target = participant.bu === 'unit-3' ? 0.5 : 2;
    const rounds = budgetedRounds(plan.authored).training;
    const event = floorEvent({ purpose: 'training', mechanisms, participant, rounds });
    const order = participant.bu === 'unit-3' ? 32 : 8;
    const epsilon = epsilonAt(order, composedRdp([event], order), 1e-5);
    expect(epsilon).toBeLessThanOrEqual(target);
    expect(epsilon).toBeGreaterThan(target * 0.99);
  }
});

test('the unit with the smaller budget samples more rarely, at the same noise', () => {
  const plan = planWithSmallBudget();
  const rates = plan.participants.map((participant) => rateOf('training', participant));
  expect(rates[3]).toBeLessThan(0.1);
  expect(rates.filter((rate) => Math.abs(rate - 0.2) < 1e-9)).toHaveLength(7);
});

test('the denominator is the expected draw of declared learners, a public number', () => {
  expect(compiled(authored()).denominator).toBeCloseTo(8 * 1000 * 0.2, 3);
});

test('noise is sized for survivors less colluders, never for full attendance (T5)', () => {
  const { training } = compiled(authored());
  expect({ survivorsMin: training.survivorsMin, colluders: training.colluders }).toEqual({
    survivorsMin: 6,
    colluders: 2,
  });
});

test('a compiled plan survives its own bytes and schema', () => {
  const plan = compiled(authored());
  expect(compiledPlan.parse(JSON.parse(new TextDecoder().decode(planBytes(plan))))).toEqual(plan);
});

test.each([
  ['an evaluation after the last round', { evaluation: { afterRounds: [9] } }, 'plan-invalid'],
  [
    'hidden layers of a logistic model',
    { model: { kind: 'outcome-logistic', hidden: [3] } },
    'plan-invalid',
  ],
  [
    'a budget of a unit nobody knows',
    {
      budget: {
        epsilon: 2,
        evaluationEpsilon: 2,
        delta: 1e-5,
        perBu: { ghost: { epsilon: 1, filterOrder: 16 } },
      },
    },
    'plan-invalid',
  ],
  [
    'an epsilon that this filter order cannot prove',
    { budget: { epsilon: 1e-4, evaluationEpsilon: 2, delta: 1e-5 } },
    'budget-order-too-low',
  ],
])('refused: %s', (_name, change, code) => {
  const plan = authored((p) => Object.assign(p, change));
  expect(compile(plan)).toMatchObject({ refused: code });
});

test('a plan cannot type its own noise (D-2, D-5)', () => {
  expect(() =>
    authored((p) => Object.assign(p.training as object, { noiseMultiplier: 0.1 })),
  ).toThrow();
  expect(() => authored((p) => delete p.budget)).toThrow();
});

function planWithSmallBudget() {
  return compiled(
    authored((p) => {
      p.budget = {
        epsilon: 2,
        evaluationEpsilon: 2,
        delta: 1e-5,
        perBu: { 'unit-3': { epsilon: 0.5, filterOrder: 32 } },
      };
    }),
  );
}

function compile(plan: AuthoredPlan) {
  return compilePlan({ authored: plan, contract: syntheticContract, manifest, runId: 'R-1' });
}

function compiled(plan: AuthoredPlan) {
  const made = compile(plan);
  if (isRefusal(made)) throw new Error(`${made.refused} ${JSON.stringify(made.facts)}`);
  return made;
}
