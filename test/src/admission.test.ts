import { admitPlan, checkRound, type Judge } from '@tacit/client-agent/core/admission.ts';
import { compilePlan } from '@tacit/coordinator/core/compile-plan.ts';
import { syntheticContract } from '@tacit/models/outcome/contracts/synthetic.ts';
import { contractFields } from '@tacit/models/outcome/feature-contract.ts';
import { fromHex, hex } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import type { RoundOpen } from '@tacit/privacy/secagg/message.ts';
import { type CompiledPlan, planBytes } from '@tacit/proto/plan/compiled-plan.ts';
import { mechanismFieldsOf, mechanismsOf, vecFieldsOf } from '@tacit/proto/plan/mechanisms.ts';
import { authored } from '@tacit/proto/testing/authored.ts';
import { agentIdOf, signedManifest } from '@tacit/proto/testing/signed-manifest.ts';
import { describe, expect, test } from 'vitest';
import { unitFiles } from './testing/unit-files.ts';

const manifest = signedManifest(8);
const plan = compiled();
const fields = contractFields(syntheticContract);

describe('an agent admits a plan', () => {
  test('that its policy, charter and manifest all allow', () => {
    expect(isRefusal(admitPlan(planBytes(plan), judge()))).toBe(false);
  });

  test('never without a policy or a charter: a fresh agent refuses every run (D-3)', () => {
    expect(refusalOf(plan, { policy: undefined })).toBe('policy-missing');
    expect(refusalOf(plan, { charter: undefined })).toBe('charter-missing');
  });

  test('only with fields the charter opens', () => {
    const charter = { ...judge().charter!, fields: fields.slice(1) };
    expect(refusalOf(plan, { charter })).toBe('charter-feature');
  });

  test('only with the split the charter fixed for ever', () => {
    const charter = { ...judge().charter!, split: { salt: 'another', trainPercent: 80 } };
    expect(refusalOf(plan, { charter })).toBe('charter-split');
  });

  test('only with the field the charter names as the learner: the unit is no plan choice', () => {
    const charter = { ...judge().charter!, learnerField: 'employee' };
    expect(refusalOf(plan, { charter })).toBe('charter-learner');
  });

  test('only of the manifest it verified itself', () => {
    const other = { ...plan, manifestHash: hex(new Uint8Array(32)) };
    expect(refusalOf(other)).toBe('plan-manifest');
  });

  test('only when nobody invented the weights it starts from', () => {
    const crafted = { ...plan, initialModelHash: hex(sha256(new Uint8Array([1]))) };
    expect(refusalOf(crafted)).toBe('plan-initial-model');
  });

  test('only with the sensitivity its own vectors have (D-5)', () => {
    const { deltaGrid } = plan.evaluation;
    const evaluation = { ...plan.evaluation, clipNorm: deltaGrid - 1, deltaGrid: deltaGrid - 1 };
    expect(refusalOf({ ...plan, evaluation })).toBe('plan-mechanism');
  });

  test('only with the survivors and colluders its policy demands (D-21)', () => {
    const policy = { ...judge().policy!, survivorsMin: 7 };
    expect(refusalOf(plan, { policy })).toBe('policy-bound');
  });

  test('and refuses bytes that are no plan, naming the key', () => {
    const { training, ...without } = plan;
    expect(training).toBeDefined();
    const bytes = new TextEncoder().encode(JSON.stringify(without));
    expect(admitPlan(bytes, judge())).toMatchObject({
      refused: 'config-invalid',
      facts: { key: 'training' },
    });
  });
});

describe('a round that is opened', () => {
  const admitted = admitPlan(planBytes(plan), judge());
  if (isRefusal(admitted)) throw new Error(admitted.refused);

  test('runs when it is the round the plan says', () => {
    expect(checkRound(admitted, open(0))).toMatchObject({ purpose: 'training', round: 0 });
    expect(checkRound(admitted, open(2))).toMatchObject({ purpose: 'evaluation', round: 2 });
  });

  test.each([
    ['less noise', { mechanism: { ...open(0).mechanism, shareVariance: 16 } }, 'plan-mechanism'],
    ['fewer survivors', { mechanism: { ...open(0).mechanism, nMin: 4 } }, 'plan-mechanism'],
    ['a second purpose on one round', { vec: open(2).vec }, 'plan-mechanism'],
    ['weights of its own at the start', { modelHash: new Uint8Array(32) }, 'plan-initial-model'],
    ['a round behind the last', { round: 99 }, 'plan-round'],
    ['more attempts than planned', { attempt: 3 }, 'plan-attempts'],
  ])('is refused with %s', (_name, change, code) => {
    expect(checkRound(admitted, { ...open(0), ...change })).toMatchObject({ refused: code });
  });
});

function judge(): Judge {
  return { agentId: agentIdOf(2), manifest, ...unitFiles('unit-2') };
}

function refusalOf(proposed: CompiledPlan, change: Partial<Judge> = {}): string | undefined {
  const answer = admitPlan(planBytes(proposed), { ...judge(), ...change });
  return isRefusal(answer) ? answer.refused : undefined;
}

function open(round: number): RoundOpen {
  const mechanisms = mechanismsOf(plan);
  if (isRefusal(mechanisms)) throw new Error(mechanisms.refused);
  const purpose = round === 2 ? 'evaluation' : 'training';
  return {
    epoch: new Uint8Array(32),
    slot: 0,
    runId: plan.runId,
    round,
    attempt: 0,
    modelHash: fromHex(plan.initialModelHash),
    planHash: sha256(planBytes(plan)),
    mechanism: mechanismFieldsOf(mechanisms[purpose]),
    vec: vecFieldsOf(purpose, mechanisms[purpose]),
    participants: new Uint8Array([255]),
    bundleHashes: [],
    uploadsClosed: false,
  };
}

function compiled(): CompiledPlan {
  const made = compilePlan({
    authored: authored(),
    contract: syntheticContract,
    manifest,
    runId: 'R-1',
  });
  if (isRefusal(made)) throw new Error(made.refused);
  return made;
}
