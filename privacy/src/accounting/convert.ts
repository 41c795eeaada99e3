/** Orders below have an RDP too small to be told from its own rounding error. */
export const ORDER_MIN = 1.05;

/**
 * Smallest epsilon that an RDP of `rdp` at `order` proves at `delta`: rdp + log1p(-1/alpha) -
 * log(delta alpha)/(alpha-1), not below 0 (Canonne, Kamath, Steinke, arXiv 2004.00010, Prop. 12).
 */
export function epsilonAt(order: number, rdp: number, delta: number): number {
  // Total variation is at most sqrt(1 - e^-KL) (Bretagnolle-Huber), and KL at most any RDP.
  if (delta * delta + Math.expm1(-rdp) > 0) return 0;
  return Math.max(0, rdp + overhead(order, delta));
}

/**
 * B(alpha): the RDP at `order`, fixed beforehand, up to which adaptively chosen releases stay
 * (epsilon, delta)-DP (Feldman, Zrnic, arXiv 2008.11193; PRIVACY.md section 5). Negative when the
 * order is too low for this epsilon and delta.
 */
export function filterBudget(order: number, epsilon: number, delta: number): number {
  return epsilon - overhead(order, delta);
}

function overhead(order: number, delta: number): number {
  if (!(order >= ORDER_MIN)) throw new RangeError(`Renyi order ${order}, at least ${ORDER_MIN}`);
  return Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1);
}
