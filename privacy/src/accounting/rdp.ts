/** One round of the Poisson-subsampled Gaussian, seen at one Renyi order. */
export interface RdpPoint {
  /** Probability that a learner enters, 0 to 1. */
  readonly rate: number;
  /** Noise standard deviation over L2 sensitivity, at least 0.05. */
  readonly noiseMultiplier: number;
  /** Renyi order alpha, real and above 1. */
  readonly order: number;
}

/**
 * Renyi divergence at `order` of one round, for adding and removing a learner alike:
 * log(A)/(alpha-1), A = E_{x~N(0,s^2)}[(1+u)^alpha], u(x) = q(exp((2x-1)/(2s^2)) - 1). The remove
 * direction dominates (Mironov, Talwar, Zhang, arXiv 1908.10530). Relative error below 1e-13.
 * Cached. Throws on an order not above 1; rate and noiseMultiplier are an event's, checked before.
 */
export function rdp({ rate, noiseMultiplier, order }: RdpPoint): number {
  if (!(order > 1 && Number.isFinite(order))) throw new RangeError(`Renyi order ${order}`);
  if (rate === 0) return 0;
  if (rate === 1) return order / (2 * noiseMultiplier ** 2);
  const key = `${rate}/${noiseMultiplier}/${order}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const value = softplus(logMoment({ rate, noiseMultiplier, order })) / (order - 1);
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) throw new Error(`RDP of ${key}: ${value}`);
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(key, value);
  return value;
}

const cache = new Map<string, number>();
const CACHE_MAX = 65_536;

/**
 * log(A - 1) = log E[g(u)], g(u) = (1+u)^alpha - 1 - alpha u: since E[u] = 0 nothing cancels, and
 * g is never negative (Bernoulli). The integrand is analytic for |Im x| < pi s^2 and decays like a
 * Gaussian, so the plain trapezoid rule converges geometrically.
 */
function logMoment({ rate, noiseMultiplier: s, order }: RdpPoint): number {
  const from = -14 * s - 1;
  const to = order + 14 * s + 1;
  // Errors e^(-2 pi^2 (s/step)^2) and e^(-2 pi^2 s^2/step): both below 1e-16 at this step.
  const wanted = Math.min(s / 5, (s * s) / 2);
  const points = Math.ceil((to - from) / wanted) + 1;
  const step = (to - from) / (points - 1);
  let largest = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < points; i++) {
    const x = from + i * step;
    const term = logG((2 * x - 1) / (2 * s * s), rate, order) - (x * x) / (2 * s * s);
    if (term > largest) {
      sum = sum * Math.exp(largest - term) + 1;
      largest = term;
    } else sum += Math.exp(term - largest);
  }
  return largest + Math.log(sum) + Math.log(step) - Math.log(s) - 0.5 * Math.log(2 * Math.PI);
}

/** log g(u) for u = q(e^t - 1), in the branch that keeps every digit. */
function logG(t: number, q: number, alpha: number): number {
  const u = q * Math.expm1(t);
  if (Math.abs(u) < 0.02 && Math.abs(alpha * u) < 0.02) return logSeries(u, alpha);
  // log(1 + u); e^t may overflow where its logarithm does not.
  const log1pu = Math.abs(u) < 0.5 ? Math.log1p(u) : logSum(Math.log1p(-q), Math.log(q) + t);
  const power = alpha * log1pu;
  if (power <= 30) return Math.log(Math.expm1(power) - alpha * u);
  // u may be infinite here; from 1e300 on its share is below 1e-14 whatever alpha.
  const lost = Math.exp(-power) + alpha * (Math.min(u, 1e300) * Math.exp(-power));
  return power + Math.log1p(-lost);
}

/** log of binom(alpha,2) u^2 + binom(alpha,3) u^3 + ..: 14 terms are exact to a double. */
function logSeries(u: number, alpha: number): number {
  let term = 1;
  let sum = 0;
  for (let k = 2; k < 16; k++) {
    sum += term;
    term *= ((alpha - k) / (k + 1)) * u;
  }
  return 2 * Math.log(Math.abs(u)) + Math.log((alpha * (alpha - 1)) / 2) + Math.log(sum);
}

function logSum(a: number, b: number): number {
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/** log(1 + e^x). */
function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}
