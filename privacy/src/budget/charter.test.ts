import { expect, test } from 'vitest';
import { admit, type Charter, type PlanFacts } from './charter.ts';
import type { BuPolicy } from './policy.ts';

const split = { salt: 'tacit-2026', trainPercent: 80 };
const policy: BuPolicy = {
  bu: 'sales-de',
  ceilings: {
    training: { epsilon: 2, delta: 1e-5, filterOrder: 12 },
    evaluation: { epsilon: 1, delta: 1e-5, filterOrder: 16 },
  },
  periodDays: 365,
  survivorsMin: 5,
  colludersMin: 2,
  modelKinds: ['outcome-logistic', 'outcome-mlp'],
  purposes: ['learning', 'evaluation'],
  roundsMax: 250,
};
const charter: Charter = {
  bu: 'sales-de',
  version: 3,
  fields: ['score', 'clicks', 'attempts'],
  purposes: ['learning'],
  split,
  learnerField: 'learner_id',
  rowsPerLearnerMax: 6,
  minimumGroup: 10,
};
const training = {
  population: 'training',
  rounds: 200,
  rate: 0.1,
  survivorsMin: 9,
  colluders: 4,
} as const;
const plan: PlanFacts = {
  bu: 'sales-de',
  purpose: 'learning',
  modelKind: 'outcome-mlp',
  fields: ['score', 'clicks'],
  split,
  learnerField: 'learner_id',
  rowsPerLearnerMax: 5,
  declaredLearners: 2000,
  sums: [training, { ...training, population: 'evaluation', rounds: 2, rate: 1 }],
};

test('a plan inside policy and charter is admitted', () => {
  expect(admit({ plan, policy, charter })).toEqual({ ok: true, warnings: [] });
});

test('D-3: a fresh agent refuses everything and names what is missing', () => {
  const missing = admit({ plan, policy: undefined, charter: undefined });
  expect(missing).toEqual({ refused: 'policy-missing', facts: { bu: 'sales-de' } });
  const noCharter = admit({ plan, policy, charter: undefined });
  expect(noCharter).toEqual({ refused: 'charter-missing', facts: { bu: 'sales-de' } });
});

test('P9: a plan that asks for a closed field is refused by name', () => {
  const asks = { ...plan, fields: ['score', 'gender', 'region'] };
  expect(admit({ plan: asks, policy, charter })).toEqual({
    refused: 'charter-feature',
    facts: { fields: ['gender', 'region'], bu: 'sales-de', charter: 3 },
  });
});

test.each<[string, Partial<PlanFacts>, string]>([
  ['another unit', { bu: 'hr-fr' }, 'policy-missing'],
  ['a purpose only the policy admits', { purpose: 'evaluation' }, 'purpose-refused'],
  ['a purpose nobody admits', { purpose: 'staffing' }, 'purpose-refused'],
  ['another model kind', { modelKind: 'transformer' }, 'model-kind-refused'],
  ['another salt', { split: { ...split, salt: 'x' } }, 'charter-split'],
  ['another share', { split: { ...split, trainPercent: 70 } }, 'charter-split'],
  ['too many rows', { learnerField: 'learner_id', rowsPerLearnerMax: 7 }, 'policy-bound'],
  ['too small a group', { declaredLearners: 9 }, 'policy-bound'],
  ['no learner count', { declaredLearners: Number.NaN }, 'policy-bound'],
  ['too many rounds', { sums: [{ ...training, rounds: 251 }] }, 'policy-bound'],
  ['too many rounds together', { sums: [training, training] }, 'policy-bound'],
  ['no sums', { sums: [] }, 'policy-bound'],
  ['too few survivors', { sums: [{ ...training, survivorsMin: 4 }] }, 'policy-bound'],
  ['too few colluders', { sums: [{ ...training, colluders: 1 }] }, 'policy-bound'],
  ['rate 0', { sums: [{ ...training, rate: 0 }] }, 'policy-bound'],
  ['rate above 1', { sums: [{ ...training, rate: 1.1 }] }, 'policy-bound'],
])('%s is refused', (_, change, refused) => {
  expect(admit({ plan: { ...plan, ...change }, policy, charter })).toMatchObject({ refused });
});

test('a refusal names the field, the value and the bound', () => {
  const weak = { ...plan, sums: [{ ...training, survivorsMin: 4 }] };
  expect(admit({ plan: weak, policy, charter })).toEqual({
    refused: 'policy-bound',
    facts: { field: 'survivorsMin', value: '4', min: 5, max: 1000 },
  });
});

test('delta: refused from 1/learners on, a warning above a tenth of that', () => {
  const withDelta = (delta: number) => {
    const evaluation = { ...policy.ceilings.evaluation, delta };
    const changed = { ...policy, ceilings: { ...policy.ceilings, evaluation } };
    return admit({ plan, policy: changed, charter });
  };
  const facts = { bu: 'sales-de', population: 'evaluation', declaredLearners: 2000 };
  expect(withDelta(1 / 20_000)).toEqual({ ok: true, warnings: [] });
  expect(withDelta(6e-5)).toEqual({
    ok: true,
    warnings: [{ refused: 'delta-large', facts: { ...facts, delta: 6e-5, bound: 1 / 20_000 } }],
  });
  const refusal = { refused: 'delta-large', facts: { ...facts, delta: 5e-4, bound: 5e-4 } };
  expect(withDelta(5e-4)).toEqual(refusal);
  expect(withDelta(Number.NaN)).toMatchObject({ refused: 'delta-large' });
});
