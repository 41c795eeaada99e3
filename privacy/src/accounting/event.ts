import { type Refusal, refuse } from '../refusal.ts';

/**
 * `rounds` releases of a Gaussian sum over learners that each enter a round independently with
 * probability `rate` (1: no sampling, the plain Gaussian). `noiseMultiplier` is the standard
 * deviation of the noise over the most one learner adds in L2, of the sum as released.
 */
export interface SubsampledGaussian {
  readonly kind: 'subsampled-gaussian';
  readonly rate: number;
  readonly noiseMultiplier: number;
  readonly rounds: number;
}

/**
 * The necessary and sufficient description of a release for accounting. The vocabulary only
 * grows: the meaning of a kind never changes, a new mechanism is a new kind, and whoever meets a
 * kind it does not know refuses.
 */
export type PrivacyEvent = SubsampledGaussian;

/** Bounds of an event's fields, inclusive. */
export const eventBounds: Record<
  'rate' | 'noiseMultiplier' | 'rounds',
  { readonly min: number; readonly max: number }
> = {
  rate: { min: 0, max: 1 },
  // Below, the trapezoid rule of rdp.ts loses its digits; epsilon is in the hundreds there anyway.
  noiseMultiplier: { min: 0.05, max: 1e6 },
  rounds: { min: 0, max: 1e7 },
};

/**
 * What is wrong with a value that should be an event: `event-unknown` or `event-out-of-range`
 * with the field, its value and its bounds; undefined when it is one.
 */
export function checkEvent(value: unknown): Refusal | undefined {
  const event = value as Partial<SubsampledGaussian> | null;
  if (typeof event !== 'object' || event === null || event.kind !== 'subsampled-gaussian') {
    return refuse('event-unknown', { kind: String(event?.kind), known: ['subsampled-gaussian'] });
  }
  for (const field of ['rate', 'noiseMultiplier', 'rounds'] as const) {
    const { min, max } = eventBounds[field];
    const number: unknown = event[field];
    const inRange = typeof number === 'number' && number >= min && number <= max;
    if (!inRange || (field === 'rounds' && !Number.isInteger(number))) {
      return refuse('event-out-of-range', { field, value: String(number), min, max });
    }
  }
  return undefined;
}

/** Sums the rounds of equal events and sorts: one list, whatever the order and the grouping. */
export function groupEvents(events: Iterable<PrivacyEvent>): PrivacyEvent[] {
  const groups = new Map<string, PrivacyEvent>();
  for (const event of events) {
    const key = `${event.rate}/${event.noiseMultiplier}`;
    const rounds = (groups.get(key)?.rounds ?? 0) + event.rounds;
    groups.set(key, { ...event, rounds });
  }
  return [...groups.values()]
    .filter((event) => event.rounds > 0)
    .sort((a, b) => a.rate - b.rate || a.noiseMultiplier - b.noiseMultiplier);
}
