/**
 * Median time of each case in ms, interleaved so that a busy machine slows all cases alike; one
 * with more runnable threads than cores still slows the longest case most. The first `warmUp`
 * repeats are not counted.
 */
export function interleavedMedians(
  cases: readonly (() => unknown)[],
  { repeats, warmUp }: { repeats: number; warmUp: number },
): number[] {
  const times = cases.map(() => [] as number[]);
  for (let repeat = 0; repeat < warmUp + repeats; repeat++) {
    for (const [i, run] of cases.entries()) {
      const start = performance.now();
      run();
      if (repeat >= warmUp) times[i]!.push(performance.now() - start);
    }
  }
  return times.map(median);
}

/** The middle of at least one value; of an even number, the upper of the two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no median of nothing');
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
