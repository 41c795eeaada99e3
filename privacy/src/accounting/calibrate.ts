import { isRefusal, type Refusal, refuse } from '../refusal.ts';
import { checkDelta, checkOrders, epsilonOf, filterLoss } from './accountant.ts';
import { epsilonAt, filterBudget } from './convert.ts';
import { checkEvent, eventBounds, type PrivacyEvent } from './event.ts';

/** The guarantee to reach, and how it will be counted. */
export interface Target {
  readonly epsilon: number;
  readonly delta: number;
  /** Count at this one order, as the ledger's filter does; over a list of orders when absent. */
  readonly order?: number;
  /** Orders to choose from when `order` is absent (`defaultOrders` unless told). */
  readonly orders?: readonly number[];
  /** What the same learners spend elsewhere; it counts towards the same epsilon. */
  readonly spent?: readonly PrivacyEvent[];
}

/** A parameter on the side that keeps the target, and what it comes to when evaluated there. */
export interface Calibration {
  readonly value: number;
  readonly epsilon: number;
  readonly order: number;
}

/**
 * Smallest noise multiplier that keeps the target, to 1e-9 relative. Refusals, here and below:
 * `epsilon-out-of-range`, those of the accountant, and `calibration-impossible` with the bound.
 */
export function noiseMultiplierFor(
  input: Target & { rate: number; rounds: number },
): Calibration | Refusal {
  const { min, max } = eventBounds.noiseMultiplier;
  const { rate, rounds } = input;
  const spend = spender(input, (noiseMultiplier) => gaussian({ rate, noiseMultiplier, rounds }));
  const least = spend(max);
  if (isRefusal(least)) return least;
  if (!least.fits) return impossible('noiseMultiplier', { bound: max, epsilon: least.epsilon });
  let [low, high] = [min, min];
  while (!ask(spend, high).fits) [low, high] = [high, Math.min(max, high * 2)];
  while (high / low - 1 > 1e-9) {
    const middle = Math.sqrt(low * high);
    if (ask(spend, middle).fits) high = middle;
    else low = middle;
  }
  return answer(high, ask(spend, high));
}

/** Largest sampling rate that keeps the target, an exact multiple of 2^-32 (poisson.ts). */
export function rateFor(
  input: Target & { noiseMultiplier: number; rounds: number },
): Calibration | Refusal {
  const { noiseMultiplier, rounds } = input;
  const spend = spender(input, (threshold) => {
    return gaussian({ rate: threshold / 2 ** 32, noiseMultiplier, rounds });
  });
  const found = largestInteger(spend, { field: 'rate', max: 2 ** 32 });
  return isRefusal(found) ? found : { ...found, value: found.value / 2 ** 32 };
}

/** Most rounds that keep the target. */
export function roundsFor(
  input: Target & { noiseMultiplier: number; rate: number },
): Calibration | Refusal {
  const { noiseMultiplier, rate } = input;
  const spend = spender(input, (rounds) => gaussian({ rate, noiseMultiplier, rounds }));
  return largestInteger(spend, { field: 'rounds', max: eventBounds.rounds.max });
}

interface Spending {
  readonly fits: boolean;
  readonly epsilon: number;
  readonly order: number;
}

type Spend = (parameter: number) => Spending | Refusal;

/** What the target's account comes to as a function of the free parameter. */
function spender(target: Target, eventOf: (parameter: number) => PrivacyEvent): Spend {
  const { epsilon: ceiling, delta, order, orders, spent = [] } = target;
  return (parameter) => {
    const events = [...spent, eventOf(parameter)];
    const wrong = checkTarget(target) ?? events.map(checkEvent).find((x) => x !== undefined);
    if (wrong !== undefined) return wrong;
    if (order === undefined) {
      const bound = epsilonOf({ events, delta, orders });
      return isRefusal(bound) ? bound : { ...bound, fits: bound.epsilon <= ceiling };
    }
    const loss = filterLoss(events, order);
    const fits = loss <= filterBudget(order, ceiling, delta);
    return { fits, epsilon: epsilonAt(order, loss, delta), order };
  };
}

function checkTarget({ epsilon, delta, order }: Target): Refusal | undefined {
  if (!(epsilon > 0 && epsilon <= 1e3)) {
    return refuse('epsilon-out-of-range', { value: String(epsilon), min: 0, max: 1e3 });
  }
  return checkDelta(delta) ?? (order === undefined ? undefined : checkOrders([order]));
}

function largestInteger(
  spend: Spend,
  { field, max }: { field: string; max: number },
): Calibration | Refusal {
  const least = spend(1);
  if (isRefusal(least)) return least;
  if (!least.fits) return impossible(field, { bound: field === 'rate' ? 2 ** -32 : 1, ...least });
  let [low, high] = [1, 1];
  while (high < max && ask(spend, high).fits) [low, high] = [high, Math.min(max, high * 2)];
  if (ask(spend, high).fits) low = high;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (ask(spend, middle).fits) low = middle;
    else high = middle;
  }
  return answer(low, ask(spend, low));
}

/** The first question was answered, so the parameters are in range for all that follow. */
function ask(spend: Spend, parameter: number): Spending {
  const spending = spend(parameter);
  if (isRefusal(spending)) throw new Error(`refused within its bounds: ${spending.refused}`);
  return spending;
}

function impossible(field: string, facts: { bound: number; epsilon: number }): Refusal {
  return refuse('calibration-impossible', { field, bound: facts.bound, epsilon: facts.epsilon });
}

function answer(value: number, { epsilon, order }: Spending): Calibration {
  return { value, epsilon, order };
}

function gaussian(fields: Omit<PrivacyEvent, 'kind'>): PrivacyEvent {
  return { kind: 'subsampled-gaussian', ...fields };
}
