/** An invented business unit and how it drifts from the others. */
export interface UnitSpec {
  /** BU id. */
  readonly bu: string;
  /** People on its roll. */
  readonly learners: number;
  /** Added to every ability: hiring differs. */
  readonly abilityShift: number;
  /** -1 to 1: how much easier or harder than the bank the items are that it assigns. */
  readonly itemShift: number;
  /** Added to the logit of every outcome: base rates differ. */
  readonly outcomeShift: number;
  /** The first of the three courses it assigns most, an index into the catalogue. */
  readonly ownCourse: number;
}

/** Ten units of unequal size, 23,500 learners. */
export const cohortUnits: readonly UnitSpec[] = [
  unit('plants-north', 6500, [0, 0, 0, 0]),
  unit('support-eu', 5500, [0.3, 0.2, 0.2, 6]),
  unit('retail-west', 2000, [-0.3, -0.3, -0.1, 12]),
  unit('logistics', 1900, [-0.2, 0.1, 0.1, 18]),
  unit('sales-de', 1700, [0.2, 0.4, 0.3, 24]),
  unit('support-us', 1600, [0.1, -0.2, -0.2, 30]),
  unit('finance', 1400, [0.5, 0.5, 0, 36]),
  unit('plants-south', 1300, [-0.4, -0.4, -0.3, 42]),
  unit('engineering', 1100, [0.6, 0.3, 0.2, 48]),
  unit('legal', 500, [0.4, 0.1, -0.2, 54]),
];

type Drift = readonly [ability: number, item: number, outcome: number, ownCourse: number];

function unit(bu: string, learners: number, drift: Drift): UnitSpec {
  const [abilityShift, itemShift, outcomeShift, ownCourse] = drift;
  return { bu, learners, abilityShift, itemShift, outcomeShift, ownCourse };
}
