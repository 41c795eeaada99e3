import { courseCatalogue } from './courses.ts';
import { drawEnrolment, drawLearner } from './enrolment.ts';
import { Random } from './random.ts';
import { itemBank } from './skills.ts';
import { cohortUnits, type UnitSpec } from './units.ts';

/** The invented learners of one business unit. */
export interface UnitCohort {
  readonly bu: string;
  /** A file for the `csv` source with the `synthetic-cohort` contract; one row an enrolment. */
  readonly csv: string;
  readonly learnerIds: readonly string[];
  /** Row-major, CSV rows x outcomes: the probabilities that the outcomes were drawn with. */
  readonly truth: Float64Array;
}

/**
 * Draws one unit's cohort: item-response learners with 1 to 3 enrolments each. The same seed gives
 * the same bytes, whichever other units are drawn.
 */
export function drawUnit(unit: UnitSpec, seed: number): UnitCohort {
  const random = new Random(seed, unit.bu);
  const world = { items: itemBank(seed), courses: courseCatalogue(seed) };
  const learnerIds: string[] = [];
  const lines: string[] = [];
  const truth: number[] = [];
  let header = '';
  for (let i = 1; i <= unit.learners; i++) {
    const learnerId = `${unit.bu}-${String(i).padStart(5, '0')}`;
    learnerIds.push(learnerId);
    const latent = drawLearner(unit, random);
    const enrolments = 1 + Number(random.bernoulli(0.3)) + Number(random.bernoulli(0.1));
    for (let course = 1; course <= enrolments; course++) {
      const enrolment = drawEnrolment({ unit, world, latent, random });
      header ||= ['learner_id', ...Object.keys(enrolment.cells)].join(',');
      lines.push([learnerId, ...Object.values(enrolment.cells)].join(','));
      truth.push(...enrolment.truth);
    }
  }
  const csv = `${[header, ...lines].join('\n')}\n`;
  return { bu: unit.bu, csv, learnerIds, truth: Float64Array.from(truth) };
}

/** Draws the whole cohort, by default the ten units of `cohortUnits`. */
export function drawCohort(seed: number, units: readonly UnitSpec[] = cohortUnits): UnitCohort[] {
  return units.map((unit) => drawUnit(unit, seed));
}
