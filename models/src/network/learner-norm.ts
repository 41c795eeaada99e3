import type { LayerRows } from '@tacit/privacy/mechanism/quantize.ts';
import type { LearnerRows } from './row-block.ts';

/** What bounds one learner's gradient, all layers together. */
export interface LearnerNorm {
  /** Square of an upper bound of the gradient's L2 norm, rounding errors included. */
  readonly normSquared: number;
  /** Square of nu: the norm its rows could have if none cancelled. */
  readonly termsSquared: number;
}

/**
 * Norm of a learner's summed gradient from its rows' inputs a_t and deltas b_t, without the
 * gradient itself: the ghost norm G = sum over t, t' of (a_t . a_t' + 1)(b_t . b_t') (PRIVACY.md
 * section 4; Li et al. 2110.05679), plus theta nu^2 with nu the sum of |(a_t, 1)||b_t|, theta =
 * 2(p + o + R^2 + 4) 2^-53 (section 3.8, condition 4), because cancelling rows can leave less of
 * G than its rounding error. NaN or Infinity in any of the rows gives NaN or Infinity.
 */
export function learnerNorm(layers: readonly LayerRows[], learner: LearnerRows): LearnerNorm {
  let ghost = 0;
  let termsSquared = 0;
  let widest = 0;
  for (const layer of layers) {
    const terms = learner.rowCount === 1 ? oneRow(layer, learner) : manyRows(layer, learner);
    ghost += terms.ghost;
    termsSquared += terms.nu * terms.nu;
    widest = Math.max(widest, layer.inputWidth + layer.outputWidth);
  }
  const theta = 2 * (widest + learner.rowCount ** 2 + 4) * 2 ** -53;
  return { normSquared: ghost + theta * termsSquared, termsSquared };
}

function oneRow(layer: LayerRows, { firstRow }: LearnerRows): { ghost: number; nu: number } {
  const ghost = rowDot(layer, firstRow, firstRow);
  return { ghost, nu: Math.sqrt(ghost) };
}

function manyRows(layer: LayerRows, learner: LearnerRows): { ghost: number; nu: number } {
  const end = learner.firstRow + learner.rowCount;
  let ghost = 0;
  let nu = 0;
  for (let t = learner.firstRow; t < end; t++) {
    const own = rowDot(layer, t, t);
    ghost += own;
    nu += Math.sqrt(own);
    for (let other = learner.firstRow; other < t; other++) ghost += 2 * rowDot(layer, t, other);
  }
  return { ghost, nu };
}

/** (a_t . a_other + 1)(b_t . b_other). */
function rowDot(layer: LayerRows, t: number, other: number): number {
  const { inputs, inputWidth, deltas, outputWidth } = layer;
  const a = dot({ values: inputs, width: inputWidth, t, other });
  return (a + 1) * dot({ values: deltas, width: outputWidth, t, other });
}

function dot(rows: { values: Float32Array; width: number; t: number; other: number }): number {
  const { values, width, t, other } = rows;
  const start = t * width;
  const otherStart = other * width;
  const unrolled = width & ~3;
  // Four sums, because one would wait for each addition in turn.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let j = 0; j < unrolled; j += 4) {
    s0 += values[start + j]! * values[otherStart + j]!;
    s1 += values[start + j + 1]! * values[otherStart + j + 1]!;
    s2 += values[start + j + 2]! * values[otherStart + j + 2]!;
    s3 += values[start + j + 3]! * values[otherStart + j + 3]!;
  }
  let sum = s0 + s1 + (s2 + s3);
  for (let j = unrolled; j < width; j++) sum += values[start + j]! * values[otherStart + j]!;
  return sum;
}
