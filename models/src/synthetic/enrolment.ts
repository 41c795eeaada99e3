import type { Course } from './courses.ts';
import { observedShare, outcomeProbabilities, outcomes } from './outcomes.ts';
import type { Random } from './random.ts';
import { type Item, rightProbability, skills } from './skills.ts';
import type { UnitSpec } from './units.ts';

/** What nobody observes of an invented learner. */
export interface Latent {
  /** One ability a skill, about standard normal. */
  readonly abilities: readonly number[];
  /** How regularly the learner works, about standard normal. */
  readonly diligence: number;
}

/** What all units share. */
export interface World {
  readonly items: readonly (readonly Item[])[];
  readonly courses: readonly Course[];
}

/** One learner in one course: a row as a source would hold it. */
export interface Enrolment {
  /** Values by column; `null` is an empty cell. */
  readonly cells: Readonly<Record<string, string | number | null>>;
  /** The probabilities the outcomes were drawn with, in the order of `outcomes`. */
  readonly truth: readonly number[];
}

/** Draws a learner: a general ability, one deviation a skill, and diligence. */
export function drawLearner(unit: UnitSpec, random: Random): Latent {
  const general = unit.abilityShift + 0.8 * random.normal();
  return {
    abilities: skills.map(() => general + 0.6 * random.normal()),
    diligence: random.normal(),
  };
}

/** Draws one course taken by a learner: its answers, its traces and its outcomes. */
export function drawEnrolment(options: {
  unit: UnitSpec;
  world: World;
  latent: Latent;
  random: Random;
}): Enrolment {
  const { unit, world, latent, random } = options;
  const { diligence, abilities } = latent;
  const course = assignedCourse(unit, world.courses, random);
  const practice = drawPractice({ ...options, course });
  const traces = drawTraces({ diligence, ...practice, random });
  const weight = course.weights.reduce((sum, w) => sum + w, 0);
  const truth = outcomeProbabilities({
    level: course.level,
    effects: course.effects,
    mastery: abilities.reduce((sum, ability, k) => sum + ability * course.weights[k]!, 0) / weight,
    diligence,
    spacing: traces.spacing,
    shift: unit.outcomeShift,
  });
  const drawn = outcomes.map((name, i) => {
    const value = Number(random.bernoulli(truth[i]!));
    return [name, random.bernoulli(observedShare[i]!) ? value : null] as const;
  });
  const cells = {
    course: course.code,
    ...practice.cells,
    ...traces,
    ...Object.fromEntries(drawn),
  };
  return { cells, truth };
}

// Three in ten assignments are one of the unit's own three courses, the rest any of the catalogue.
function assignedCourse(unit: UnitSpec, courses: readonly Course[], random: Random): Course {
  if (random.bernoulli(0.7)) return courses[random.integer(0, courses.length - 1)]!;
  return courses[unit.ownCourse + random.integer(0, 2)]!;
}

function drawPractice(options: {
  unit: UnitSpec;
  world: World;
  latent: Latent;
  random: Random;
  course: Course;
}) {
  const { unit, world, latent, random, course } = options;
  const cells: Record<string, number | null> = {};
  let answers = 0;
  let wrong = 0;
  for (const [k, skill] of skills.entries()) {
    const wanted = course.weights[k]! * (10 + 2 * latent.diligence + 2 * random.normal());
    const attempts = Math.max(Math.round(wanted), 0);
    let right = 0;
    for (let i = 0; i < attempts; i++) {
      const item = assignedItem(world.items[k]!, course.level + unit.itemShift, random);
      right += Number(random.bernoulli(rightProbability(item, latent.abilities[k]!)));
    }
    cells[`attempts_${skill}`] = attempts;
    cells[`correct_${skill}`] = attempts > 0 ? round(right / attempts) : null;
    answers += attempts;
    wrong += attempts - right;
  }
  return { cells, answers, wrong };
}

// Harder courses, and units with harder mixes, draw from further up the ordered bank.
function assignedItem(items: readonly Item[], hardness: number, random: Random): Item {
  const index = Math.round((items.length / 6) * (hardness + 2)) + random.integer(-6, 6);
  return items[Math.min(Math.max(index, 0), items.length - 1)]!;
}

function drawTraces(options: {
  diligence: number;
  answers: number;
  wrong: number;
  random: Random;
}) {
  const { diligence, answers, wrong, random } = options;
  const spread = (mean: number, deviation: number) => mean + deviation * random.normal();
  const count = (x: number, max: number) => Math.min(Math.max(Math.round(x), 0), max);
  const share = (x: number) => round(Math.min(Math.max(x, 0), 1));
  const daysActive = count(spread(9 + 4 * diligence, 2), 28);
  const sessions = count(spread(daysActive * (1.1 + 0.6 * random.uniform()), 1), 60);
  return {
    days_active: daysActive,
    sessions,
    minutes: count(spread(14, 4) * sessions + 2 * answers, 2000),
    retries: count(wrong * spread(0.35 + 0.12 * diligence, 0.1), 60),
    hints: count(wrong * spread(0.3 - 0.1 * diligence, 0.1), 60),
    video_share: share(spread(0.5, 0.2)),
    spacing: share(daysActive / Math.max(sessions, 1)),
    late_share: share(spread(0.35 - 0.18 * diligence, 0.12)),
    days_since_last: count(spread(8 - 4 * diligence, 4), 60),
    earlier_courses: count(spread(2 + diligence, 2), 12),
  };
}

function round(x: number): number {
  return Math.round(x * 1000) / 1000;
}
