/**
 * Time of each case in ms, the middle or the least of its repeats; the first `warmUp` are not
 * counted. Cases take turns, so that a busy machine slows all of them alike. With more runnable
 * threads than cores it still slows the longest case most: `minimum` is then the figure to trust,
 * though most of the garbage collection is lost from it.
 */
export function interleaved(
  cases: readonly (() => unknown)[],
  { repeats, warmUp, statistic }: InterleavedOptions,
): number[] {
  const times = cases.map(() => [] as number[]);
  for (let repeat = 0; repeat < warmUp + repeats; repeat++) {
    for (const [i, run] of cases.entries()) {
      const start = performance.now();
      run();
      if (repeat >= warmUp) times[i]!.push(performance.now() - start);
    }
  }
  return times.map(statistic);
}

/** How often to run, and what to keep of the times. */
export interface InterleavedOptions {
  /** At least 1. */
  readonly repeats: number;
  readonly warmUp: number;
  readonly statistic: (values: readonly number[]) => number;
}

/** The middle of at least one value; of an even number, the upper of the two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no median of nothing');
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** The least of at least one value. */
export function minimum(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no minimum of nothing');
  return Math.min(...values);
}
