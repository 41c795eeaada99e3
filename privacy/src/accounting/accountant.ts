import { type Refusal, refuse } from '../refusal.ts';
import { epsilonAt, ORDER_MIN } from './convert.ts';
import { checkEvent, groupEvents, type PrivacyEvent } from './event.ts';
import { rdp } from './rdp.ts';

/** dp_accounting's default orders: 1.1 to 10.9 by 0.1, 11 to 63, 128, 256, 512, 1024. */
export const defaultOrders: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => (11 + i) / 10),
  ...Array.from({ length: 53 }, (_, i) => 11 + i),
  ...[128, 256, 512, 1024],
];

/**
 * Most that a round of distributed discrete noise may differ from the continuous Gaussian, as a
 * log-ratio of output probabilities (eta' of PRIVACY.md section 3.4). Mechanisms above are refused.
 */
export const SLACK_PER_ROUND_MAX = 4e-12;

/** An epsilon with the order that proves it. */
export interface EpsilonBound {
  readonly epsilon: number;
  readonly order: number;
  /** The best order was the first or last of the list: a longer list might prove less. */
  readonly orderEdge: boolean;
}

/**
 * Epsilon at `delta` of all events together, the minimum over `orders` (`defaultOrders` unless
 * told). Right for schedules fixed in advance; over runs chosen on each other's results only one
 * order, fixed beforehand, is (`filterLoss`). Refusals: those of `checkEvent`,
 * `delta-out-of-range`, `order-out-of-range`.
 */
export function epsilonOf(input: {
  events: readonly PrivacyEvent[];
  delta: number;
  orders?: readonly number[];
}): EpsilonBound | Refusal {
  const { events, delta, orders = defaultOrders } = input;
  const wrong =
    events.map(checkEvent).find((refusal) => refusal !== undefined) ??
    checkDelta(delta) ??
    checkOrders(orders);
  if (wrong !== undefined) return wrong;
  let best = { epsilon: Number.POSITIVE_INFINITY, index: 0 };
  orders.forEach((order, index) => {
    const epsilon = epsilonAt(order, composedRdp(events, order), delta);
    if (epsilon < best.epsilon) best = { epsilon, index };
  });
  const { epsilon, index } = best;
  const orderEdge = epsilon > 0 && (index === 0 || index === orders.length - 1);
  return { epsilon, order: orders[index]!, orderEdge };
}

/** RDP of all events together at one order: they add up, in whatever order and grouping. */
export function composedRdp(events: readonly PrivacyEvent[], order: number): number {
  let sum = 0;
  for (const { rate, noiseMultiplier, rounds } of groupEvents(events)) {
    sum += rounds * rdp({ rate, noiseMultiplier, order });
  }
  return sum;
}

/**
 * What the RDP filter of one order counts for events: their RDP, and for every round the most that
 * discrete noise adds, (2 alpha - 1)/(alpha - 1) times the slack (both densities move by e^slack).
 */
export function filterLoss(events: readonly PrivacyEvent[], order: number): number {
  let rounds = 0;
  for (const event of events) rounds += event.rounds;
  const slack = (SLACK_PER_ROUND_MAX * (2 * order - 1)) / (order - 1);
  return composedRdp(events, order) + rounds * slack;
}

/** `delta-out-of-range` unless 0 < delta < 1. */
export function checkDelta(delta: number): Refusal | undefined {
  if (delta > 0 && delta < 1) return undefined;
  return refuse('delta-out-of-range', { value: String(delta), min: 0, max: 1 });
}

/** `order-out-of-range` unless every order is a number from `ORDER_MIN` to 1e6. */
export function checkOrders(orders: readonly number[]): Refusal | undefined {
  const max = 1e6;
  const bad = orders.find((order) => !(order >= ORDER_MIN && order <= max));
  if (orders.length > 0 && bad === undefined) return undefined;
  return refuse('order-out-of-range', { value: String(bad), min: ORDER_MIN, max });
}
