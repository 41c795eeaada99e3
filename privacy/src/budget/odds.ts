/**
 * Epsilon as odds: a conclusion that was 50:50 without a learner's data becomes at most
 * `for`:`against` with them, save with a probability of about delta. In per cent; `against` keeps
 * one significant digit when it is below 1, so that it never reads 0.
 */
export function oddsOf(epsilon: number): { for: number; against: number } {
  if (!(epsilon >= 0)) throw new RangeError(`epsilon ${epsilon}`);
  const share = 100 / (1 + Math.exp(epsilon));
  const decimals = share >= 1 ? 0 : Math.min(12, Math.max(2, Math.ceil(-Math.log10(share))));
  const against = Number(share.toFixed(decimals));
  return { for: Number((100 - against).toFixed(decimals)), against };
}
