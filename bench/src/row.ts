/** The benches, in the order in which they run. */
export const benchNames = ['step', 'mask', 'noise', 'fold', 'round', 'accounting'] as const;

/** The name of one of them. */
export type BenchName = (typeof benchNames)[number];

/** One measured figure beside the least it could be. */
export interface BenchRow {
  readonly bench: BenchName;
  readonly case: string;
  readonly value: number;
  readonly unit: string;
  /** What the value is measured against, in the same unit. */
  readonly floor: number;
  /** `value / floor`. */
  readonly ratio: number;
}

/** A row with its ratio. */
export function rowOf(row: Omit<BenchRow, 'ratio'>): BenchRow {
  return { ...row, ratio: row.value / row.floor };
}
