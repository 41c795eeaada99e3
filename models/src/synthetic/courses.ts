import { outcomes } from './outcomes.ts';
import { Random } from './random.ts';
import { skills } from './skills.ts';

/** An invented course: what it trains, how hard it is, and what it does by itself. */
export interface Course {
  /** `c01` to `c60`. */
  readonly code: string;
  /** 0 easy to 2 hard. */
  readonly level: number;
  /** One weight a skill: 1 trained, 0.25 touched. */
  readonly weights: readonly number[];
  /** Added to the logit of each outcome, in the order of `outcomes`: some courses just work. */
  readonly effects: readonly number[];
}

/** Codes of the catalogue, in order. */
export const courseCodes = Array.from(
  { length: 60 },
  (_, i) => `c${String(i + 1).padStart(2, '0')}`,
);

/** The catalogue that all units of a seed share. */
export function courseCatalogue(seed: number): readonly Course[] {
  const random = new Random(seed, 'courses');
  return courseCodes.map((code, index) => {
    const weights = skills.map(() => 0.25);
    weights[index % skills.length] = 1;
    weights[random.integer(0, skills.length - 1)] = 1;
    weights[random.integer(0, skills.length - 1)] = 1;
    const effects = outcomes.map(() => 1.5 * random.normal());
    return { code, level: random.integer(0, 2), weights, effects };
  });
}
