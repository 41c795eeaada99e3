import type { Product } from './backend-port.ts';

type Run = (product: Product) => Float32Array;

/** Rows of every block a network sees; fixed, so that a row's result cannot depend on the draw. */
export const BLOCK_ROWS = 256;

/** Widths tried at start: those of small outcome networks and ones no kernel divides evenly. */
const SHAPES = [
  { inner: 29, columns: 32 },
  { inner: 32, columns: 4 },
  { inner: 4, columns: 32 },
  { inner: 128, columns: 128 },
  { inner: 97, columns: 61 },
] as const;

/**
 * What is wrong with a backend's product, or undefined: PRIVACY.md section 3.8, conditions 5 (rows
 * keep to themselves) and 6 (plain float32), and agreement with a float64 reference.
 */
export function selfCheck(run: Run): string | undefined {
  if (!isPlainFloat32(run)) return 'products are not plain float32';
  for (const shape of SHAPES) {
    const name = `${BLOCK_ROWS} x ${shape.inner} x ${shape.columns}`;
    if (!agreesWithReference(run, shape)) return `wrong product at ${name}`;
    if (!rowsKeepToThemselves(run, shape)) return `rows depend on other rows at ${name}`;
  }
  return undefined;
}

/**
 * Whether each row of a padded block's product has the same bits wherever it stands and whatever
 * the other rows hold: permuted, emptied and refilled (with NaN too) rows are compared.
 */
export function rowsKeepToThemselves(run: Run, shape: { inner: number; columns: number }): boolean {
  const { inner, columns } = shape;
  const right = pattern(inner * columns, 2);
  const bias = pattern(columns, 3);
  const left = pattern(BLOCK_ROWS * inner, 1);
  const product = (values: Float32Array) =>
    bitsOf(run({ left: values, right, rows: BLOCK_ROWS, inner, columns, bias, relu: true }));
  const expected = product(left);
  const shifts = [1, 5, 16, 50, 97];
  return shifts.every((shift) => {
    const moved = new Float32Array(left.length);
    for (let row = 0; row < BLOCK_ROWS; row++) {
      const target = ((row + shift) % BLOCK_ROWS) * inner;
      if (row % shift === 0) moved.set(left.subarray(row * inner, (row + 1) * inner), target);
      else if (row % 3 === 0) moved.fill(Number.NaN, target, target + inner);
    }
    const actual = product(moved);
    for (let row = 0; row < BLOCK_ROWS; row += shift) {
      const target = ((row + shift) % BLOCK_ROWS) * columns;
      for (let k = 0; k < columns; k++) {
        if (actual[target + k] !== expected[row * columns + k]) return false;
      }
    }
    return true;
  });
}

function agreesWithReference(run: Run, shape: { inner: number; columns: number }): boolean {
  const { inner, columns } = shape;
  const left = pattern(BLOCK_ROWS * inner, 1);
  const right = pattern(inner * columns, 2);
  const actual = run({ left, right, rows: BLOCK_ROWS, inner, columns });
  for (let row = 0; row < BLOCK_ROWS; row++) {
    for (let k = 0; k < columns; k++) {
      let exact = 0;
      let size = 0;
      for (let j = 0; j < inner; j++) {
        const term = left[row * inner + j]! * right[j * columns + k]!;
        exact += term;
        size += Math.abs(term);
      }
      if (!(Math.abs(actual[row * columns + k]! - exact) <= (inner + 2) * 2 ** -24 * size))
        return false;
    }
  }
  return true;
}

function isPlainFloat32(run: Run): boolean {
  const fine = 1 + 2 ** -23;
  const left = Float32Array.of(fine);
  return run({ left, right: Float32Array.of(1), rows: 1, inner: 1, columns: 1 })[0] === fine;
}

/** Values in [-1, 1) with full mantissas, from a linear congruential sequence. */
function pattern(length: number, seed: number): Float32Array {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
