import { type Refusal, refuse } from '../refusal.ts';
import type { BuPolicy, Population } from './policy.ts';

/** Which learners train and which are held out: a fixed public hash, the same for ever. */
export interface Split {
  readonly salt: string;
  readonly trainPercent: number;
}

/** What a business unit opens of its data, and for what. */
export interface Charter {
  readonly bu: string;
  readonly version: number;
  /** Source fields a plan may read; everything else is closed. */
  readonly fields: readonly string[];
  readonly purposes: readonly string[];
  readonly split: Split;
  /** The field that names the learner: what the privacy unit is, no plan decides. */
  readonly learnerField: string;
  readonly rowsPerLearnerMax: number;
  /** Fewest learners behind any figure. */
  readonly minimumGroup: number;
}

/** One kind of private sum a plan makes. */
export interface SumFacts {
  readonly population: Population;
  readonly rounds: number;
  /** Probability that a learner of this unit enters a round. */
  readonly rate: number;
  readonly survivorsMin: number;
  readonly colluders: number;
}

/** A plan as one business unit sees it: the facts its policy and charter judge. */
export interface PlanFacts {
  readonly bu: string;
  readonly purpose: string;
  readonly modelKind: string;
  readonly fields: readonly string[];
  readonly split: Split;
  readonly learnerField: string;
  readonly rowsPerLearnerMax: number;
  /** The unit's declared, rounded learner count (public). */
  readonly declaredLearners: number;
  readonly sums: readonly SumFacts[];
}

/** An admitted plan; the warnings are for a person and stop nothing. */
export interface Admission {
  readonly ok: true;
  readonly warnings: readonly Refusal[];
}

/**
 * Whether a unit's policy and charter admit a plan, before anything is trained or charged. What is
 * missing refuses (`policy-missing`, `charter-missing`): no file, no run. The first broken rule is
 * returned with what the plan asks and what is allowed. The budget itself is the ledger's.
 */
export function admit(input: {
  plan: PlanFacts;
  policy: BuPolicy | undefined;
  charter: Charter | undefined;
}): Refusal | Admission {
  const { plan, policy, charter } = input;
  if (policy === undefined) return refuse('policy-missing', { bu: plan.bu });
  if (charter === undefined) return refuse('charter-missing', { bu: plan.bu });
  const refusal =
    checkUnit({ plan, policy, charter }) ??
    checkPurpose({ plan, policy, charter }) ??
    checkData(plan, charter) ??
    checkFloors(plan, policy) ??
    checkDelta(plan, policy);
  return refusal ?? { ok: true, warnings: deltaWarnings(plan, policy) };
}

interface Known {
  readonly plan: PlanFacts;
  readonly policy: BuPolicy;
  readonly charter: Charter;
}

function checkUnit({ plan, policy, charter }: Known): Refusal | undefined {
  if (policy.bu !== plan.bu) return refuse('policy-missing', { bu: plan.bu, found: policy.bu });
  if (charter.bu !== plan.bu) return refuse('charter-missing', { bu: plan.bu, found: charter.bu });
  return undefined;
}

function checkPurpose({ plan, policy, charter }: Known): Refusal | undefined {
  const { purpose, modelKind } = plan;
  const allowed = policy.purposes.filter((name) => charter.purposes.includes(name));
  if (!allowed.includes(purpose)) {
    return refuse('purpose-refused', { purpose, allowed, charter: charter.version });
  }
  if (!policy.modelKinds.includes(modelKind)) {
    return refuse('model-kind-refused', { modelKind, allowed: [...policy.modelKinds] });
  }
  return undefined;
}

function checkData(plan: PlanFacts, charter: Charter): Refusal | undefined {
  const closed = plan.fields.filter((field) => !charter.fields.includes(field));
  if (closed.length > 0) {
    return refuse('charter-feature', { fields: closed, bu: charter.bu, charter: charter.version });
  }
  if (plan.learnerField !== charter.learnerField) {
    // One person under many names would be many learners, each with a whole sensitivity.
    const { learnerField: asked } = plan;
    return refuse('charter-learner', { asked, charter: charter.learnerField });
  }
  const { salt, trainPercent } = charter.split;
  if (plan.split.salt !== salt || plan.split.trainPercent !== trainPercent) {
    // A second split would let one learner's data enter training and evaluation: the two add up.
    return refuse('charter-split', {
      salt: plan.split.salt,
      trainPercent: plan.split.trainPercent,
      charterSalt: salt,
      charterTrainPercent: trainPercent,
    });
  }
  return (
    bounded('rowsPerLearnerMax', plan.rowsPerLearnerMax, {
      min: 1,
      max: charter.rowsPerLearnerMax,
    }) ??
    bounded('declaredLearners', plan.declaredLearners, { min: charter.minimumGroup, max: 1e9 })
  );
}

function checkFloors(plan: PlanFacts, policy: BuPolicy): Refusal | undefined {
  let rounds = 0;
  for (const sum of plan.sums) {
    const wrong =
      bounded('rate', sum.rate, { min: Number.MIN_VALUE, max: 1 }) ??
      bounded('rounds', sum.rounds, { min: 1, max: policy.roundsMax }) ??
      bounded('survivorsMin', sum.survivorsMin, { min: policy.survivorsMin, max: 1000 }) ??
      bounded('colluders', sum.colluders, { min: policy.colludersMin, max: 998 });
    if (wrong !== undefined) return wrong;
    rounds += sum.rounds;
  }
  return bounded('rounds', rounds, { min: 1, max: policy.roundsMax });
}

function bounded(
  field: string,
  value: number,
  bounds: { min: number; max: number },
): Refusal | undefined {
  if (value >= bounds.min && value <= bounds.max) return undefined;
  return refuse('policy-bound', { field, value: String(value), ...bounds });
}

function checkDelta(plan: PlanFacts, policy: BuPolicy): Refusal | undefined {
  const bound = 1 / plan.declaredLearners;
  return deltaAbove({ plan, policy, inclusive: true, bound })[0];
}

function deltaWarnings(plan: PlanFacts, policy: BuPolicy): Refusal[] {
  const bound = 1 / (10 * plan.declaredLearners);
  return deltaAbove({ plan, policy, inclusive: false, bound });
}

function deltaAbove(input: {
  plan: PlanFacts;
  policy: BuPolicy;
  bound: number;
  inclusive: boolean;
}): Refusal[] {
  const { plan, policy, bound, inclusive } = input;
  const populations = new Set(plan.sums.map((sum) => sum.population));
  return [...populations].flatMap((population) => {
    const { delta } = policy.ceilings[population];
    if (delta < bound || (!inclusive && delta === bound)) return [];
    const declaredLearners = plan.declaredLearners;
    return [refuse('delta-large', { bu: plan.bu, population, delta, bound, declaredLearners })];
  });
}
