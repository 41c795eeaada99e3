/** Scores and labels of one head, row by row; rows whose label is NaN are left out. */
export interface Scored {
  readonly scores: ArrayLike<number>;
  readonly labels: ArrayLike<number>;
}

/**
 * Area under the ROC curve: the share of pairs of one positive and one negative that the scores
 * put in order, ties half. NaN when either label is missing. Raw figures: for data one may see,
 * such as a unit's own or a public set; nothing of it may leave an agent.
 */
export function auc({ scores, labels }: Scored): number {
  const order = labelled(labels).sort((a, b) => scores[a]! - scores[b]!);
  let negativesBelow = 0;
  let positives = 0;
  let ordered = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    let tied = 0;
    while (end < order.length && scores[order[end]!]! === scores[order[start]!]!) {
      tied += labels[order[end++]!]!;
    }
    const tiedNegatives = end - start - tied;
    ordered += tied * (negativesBelow + tiedNegatives / 2);
    negativesBelow += tiedNegatives;
    positives += tied;
    start = end;
  }
  return ordered / (positives * negativesBelow);
}

/** Mean negative log-likelihood in nats; scores are kept 1e-7 away from 0 and 1. */
export function logLoss({ scores, labels }: Scored): number {
  const rows = labelled(labels);
  let loss = 0;
  for (const row of rows) {
    const p = Math.min(Math.max(scores[row]!, 1e-7), 1 - 1e-7);
    loss -= labels[row]! * Math.log(p) + (1 - labels[row]!) * Math.log(1 - p);
  }
  return loss / rows.length;
}

/** One head's column of a rows x heads array. */
export function columnOf(values: Float32Array, headCount: number, head: number): Float32Array {
  return Float32Array.from(
    { length: values.length / headCount },
    (_, row) => values[row * headCount + head]!,
  );
}

function labelled(labels: ArrayLike<number>): number[] {
  return Array.from({ length: labels.length }, (_, row) => row).filter(
    (row) => !Number.isNaN(labels[row]!),
  );
}
