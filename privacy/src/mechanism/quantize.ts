/** Largest integer norm whose square a double can test exactly: the integer part of 2^26.5. */
export const DELTA_GRID_MAX = 94_906_265;

/** A dense layer's place among the coordinates. */
export interface LayerShape {
  readonly inputWidth: number;
  readonly outputWidth: number;
  /** First coordinate: weights outputWidth x inputWidth, then outputWidth biases. */
  readonly offset: number;
}

/** One layer's share of the per-learner gradients of a block of rows. */
export interface LayerRows extends LayerShape {
  /** Inputs of the layer, rows x inputWidth. */
  readonly inputs: Float32Array;
  /** Loss gradients at the layer's outputs, rows x outputWidth. */
  readonly deltas: Float32Array;
}

/** One learner's rows in a block; its gradient is the sum of their outer products. */
export interface LearnerGradient {
  readonly layers: readonly LayerRows[];
  readonly firstRow: number;
  readonly rowCount: number;
}

/**
 * Adds learners' gradients, as integers, to one sum: the pipeline `reference-nearest/v1`
 * (SECAGG.md section 15, rounding to nearest). For each learner the integers are round(weight *
 * sum over its rows t of b_t[k] a_t[j]), halves to even, and they are added only if the sum of
 * their squares is at most deltaGrid^2. The test is exact: squares are added as doubles, exact up
 * to 2^53 >= deltaGrid^2 and never falling back below a larger value. Anything else, NaN and
 * Infinity included, adds nothing and says nothing.
 */
export class GradientQuantizer {
  readonly #normSquaredMax: number;
  readonly #layers: readonly LayerSum[];
  readonly #row: Float64Array;

  /** `sum`: all coordinates, int32, wraps modulo 2^32; `layers`: every layer, in order. */
  constructor(options: { deltaGrid: number; layers: readonly LayerShape[]; sum: Int32Array }) {
    const { deltaGrid, layers, sum } = options;
    this.#normSquaredMax = squareOfGrid(deltaGrid);
    this.#layers = layers.map((layer) => layerSum(layer, sum));
    this.#row = new Float64Array(Math.max(0, ...layers.map((layer) => layer.inputWidth)));
  }

  /** One learner; `weight` clips and scales its gradient. */
  add(learner: LearnerGradient & { weight: number }): void {
    if (this.#addScaled(learner, learner.weight) <= this.#normSquaredMax) return;
    // Rounding halves to even is odd, so the negated weight subtracts the same integers.
    this.#addScaled(learner, -learner.weight);
  }

  #addScaled(learner: LearnerGradient, weight: number): number {
    let normSquared = 0;
    for (const [i, layer] of learner.layers.entries()) {
      const to = this.#layers[i]!;
      normSquared +=
        learner.rowCount === 1
          ? this.#addOneRow({ layer, to, rowIndex: learner.firstRow, weight })
          : this.#addManyRows({ layer, to, learner, weight });
    }
    return normSquared;
  }

  #addOneRow(of: { layer: LayerRows; to: LayerSum; rowIndex: number; weight: number }): number {
    const { to, rowIndex, weight } = of;
    const { inputs, inputWidth, deltas, outputWidth } = of.layer;
    const row = this.#row;
    for (let j = 0, at = rowIndex * inputWidth; j < inputWidth; j++)
      row[j] = weight * inputs[at++]!;
    const size = sizeOf(row, inputWidth) + Math.abs(weight);
    let normSquared = 0;
    for (let k = 0, at = rowIndex * outputWidth; k < outputWidth; k++, at++) {
      const delta = deltas[at]!;
      if (delta === 0) continue;
      if (!(Math.abs(delta) * size < ROUNDABLE)) return Infinity;
      normSquared += addRounded(to.weights[k]!, row, delta);
      normSquared += addOneRounded(to.biases, k, weight * delta);
    }
    return normSquared;
  }

  #addManyRows(of: {
    layer: LayerRows;
    to: LayerSum;
    learner: LearnerGradient;
    weight: number;
  }): number {
    const { to, learner, weight } = of;
    const { inputs, inputWidth, deltas, outputWidth } = of.layer;
    const row = this.#row;
    const end = learner.firstRow + learner.rowCount;
    let normSquared = 0;
    for (let k = 0; k < outputWidth; k++) {
      let bias = 0;
      row.fill(0, 0, inputWidth);
      for (let t = learner.firstRow; t < end; t++) {
        const delta = weight * deltas[t * outputWidth + k]!;
        if (delta === 0) continue;
        bias += delta;
        for (let j = 0, at = t * inputWidth; j < inputWidth; j++) row[j]! += delta * inputs[at++]!;
      }
      if (!(sizeOf(row, inputWidth) + Math.abs(bias) < ROUNDABLE)) return Infinity;
      normSquared += addRounded(to.weights[k]!, row, 1) + addOneRounded(to.biases, k, bias);
    }
    return normSquared;
  }
}

/**
 * Adds one learner's plain vector to an integer sum: clipped to `clipBound`, scaled, rounded to
 * nearest, tested as integers. A vector that fails, or holds NaN or Infinity, adds nothing.
 */
export function quantizeAdd(options: {
  vector: Float32Array | Float64Array;
  scale: number;
  deltaGrid: number;
  sum: Int32Array;
}): void {
  const { vector, scale, deltaGrid, sum } = options;
  if (vector.length !== sum.length) throw new RangeError(`${vector.length} for ${sum.length}`);
  const normSquaredMax = squareOfGrid(deltaGrid);
  let squares = 0;
  for (const x of vector) squares += x * x;
  const bound = clipBound({ scale, deltaGrid, dimension: vector.length });
  const weight = clippedWeight({ norm: Math.sqrt(squares), bound, scale });
  const row = Float64Array.from(vector);
  if (!(sizeOf(row, row.length) * weight < ROUNDABLE)) return;
  if (addRounded(sum, row, weight) <= normSquaredMax) return;
  addRounded(sum, row, -weight);
}

/**
 * Largest real L2 norm whose scaled vector, rounded to nearest, has integer norm at most deltaGrid:
 * (deltaGrid - sqrt(dimension) / 2) / scale (SECAGG.md section 15).
 */
export function clipBound(grid: { scale: number; deltaGrid: number; dimension: number }): number {
  const bound = (grid.deltaGrid - Math.sqrt(grid.dimension) / 2) / grid.scale;
  if (bound > 0 && bound < Infinity) return bound;
  throw new RangeError(
    `deltaGrid ${grid.deltaGrid}, scale ${grid.scale} leave no room at dimension ${grid.dimension}`,
  );
}

/**
 * scale * min(1, bound / norm): the factor that clips a vector of this norm and puts it on the
 * grid.
 */
export function clippedWeight(of: { norm: number; bound: number; scale: number }): number {
  return of.norm <= of.bound ? of.scale : of.scale * (of.bound / of.norm);
}

/** Windows on the sum: one per row of weights, one for the biases. */
interface LayerSum {
  readonly weights: readonly Int32Array[];
  readonly biases: Int32Array;
}

function layerSum({ inputWidth, outputWidth, offset }: LayerShape, sum: Int32Array): LayerSum {
  const bias = offset + outputWidth * inputWidth;
  if (bias + outputWidth > sum.length) throw new RangeError(`a layer ends beyond ${sum.length}`);
  const weights = Array.from({ length: outputWidth }, (_, k) =>
    sum.subarray(offset + k * inputWidth, offset + (k + 1) * inputWidth),
  );
  return { weights, biases: sum.subarray(bias, bias + outputWidth) };
}

/** For |x| < 2^51, x + 1.5 * 2^52 is rounded to an integer, and its low 32 bits are those of it. */
const ROUNDER = 1.5 * 2 ** 52;
const ROUNDABLE = 2 ** 51;

/** Little-endian: words 0, 2, 4 and 6 are the low halves of the doubles. */
const doubles = new Float64Array(4);
const lowWords = new Int32Array(doubles.buffer);

/** Sum of the sizes of the first `width` entries: what bounds every one; NaN if one is. */
function sizeOf(row: Float64Array, width: number): number {
  let even = 0;
  let odd = 0;
  for (let j = 1; j < width; j += 2) {
    even += Math.abs(row[j - 1]!);
    odd += Math.abs(row[j]!);
  }
  return width & 1 ? even + odd + Math.abs(row[width - 1]!) : even + odd;
}

/** sum += round(factor * row), as long as `sum`, entries below 2^51; returns the sum of squares. */
function addRounded(sum: Int32Array, row: Float64Array, factor: number): number {
  const unrolled = sum.length & ~3;
  // Four accumulators, because one would wait for each addition in turn.
  let n0 = 0;
  let n1 = 0;
  let n2 = 0;
  let n3 = 0;
  for (let j = 0; j < unrolled; j += 4) {
    const y0 = factor * row[j]! + ROUNDER;
    const y1 = factor * row[j + 1]! + ROUNDER;
    const y2 = factor * row[j + 2]! + ROUNDER;
    const y3 = factor * row[j + 3]! + ROUNDER;
    doubles[0] = y0;
    doubles[1] = y1;
    doubles[2] = y2;
    doubles[3] = y3;
    const x0 = y0 - ROUNDER;
    const x1 = y1 - ROUNDER;
    const x2 = y2 - ROUNDER;
    const x3 = y3 - ROUNDER;
    n0 += x0 * x0;
    n1 += x1 * x1;
    n2 += x2 * x2;
    n3 += x3 * x3;
    sum[j] = (sum[j]! + lowWords[0]!) | 0;
    sum[j + 1] = (sum[j + 1]! + lowWords[2]!) | 0;
    sum[j + 2] = (sum[j + 2]! + lowWords[4]!) | 0;
    sum[j + 3] = (sum[j + 3]! + lowWords[6]!) | 0;
  }
  let normSquared = n0 + n1 + (n2 + n3);
  for (let j = unrolled; j < sum.length; j++) {
    normSquared += addOneRounded(sum, j, factor * row[j]!);
  }
  return normSquared;
}

function addOneRounded(sum: Int32Array, at: number, value: number): number {
  const x = value + ROUNDER - ROUNDER;
  sum[at] = (sum[at]! + (x | 0)) | 0;
  return x * x;
}

function squareOfGrid(deltaGrid: number): number {
  if (Number.isInteger(deltaGrid) && deltaGrid > 0 && deltaGrid <= DELTA_GRID_MAX) {
    return deltaGrid * deltaGrid;
  }
  throw new RangeError(`deltaGrid ${deltaGrid}: an integer from 1 to ${DELTA_GRID_MAX} is needed`);
}
