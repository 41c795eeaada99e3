import { Random } from './random.ts';

/** The skills that courses train and test. */
export const skills = ['product', 'process', 'safety', 'service', 'systems', 'writing'] as const;

/** One test item of the two-parameter logistic response model (Birnbaum 1968). */
export interface Item {
  readonly difficulty: number;
  readonly discrimination: number;
}

/** The item bank, one list a skill from easy to hard: the same for all units of a seed. */
export function itemBank(seed: number): readonly (readonly Item[])[] {
  const random = new Random(seed, 'items');
  return skills.map(() =>
    Array.from({ length: 24 }, () => ({
      difficulty: 1.1 * random.normal(),
      discrimination: 0.8 + 1.2 * random.uniform(),
    })).sort((a, b) => a.difficulty - b.difficulty),
  );
}

/** Probability of a right answer: `1 / (1 + exp(-a (ability - b)))`. */
export function rightProbability(item: Item, ability: number): number {
  return logistic(item.discrimination * (ability - item.difficulty));
}

/** The logistic function. */
export function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
