import * as tf from '@tensorflow/tfjs-core';
import { expect, test, vi } from 'vitest';
import { loadBackend } from './backend.ts';
import { BLOCK_ROWS, selfCheck } from './backend-check.ts';
import type { Product } from './backend-port.ts';

const noise = ['log', 'info', 'warn', 'error'] as const;

test('auto takes tfjs-node when it loads and says why not when it does not', async () => {
  const backend = await loadBackend();
  expect(backend.report.split('\n')).toHaveLength(1);
  if (backend.kind === 'native') {
    expect(backend.report).toMatch(/^native: /);
    return;
  }
  expect(backend.kind).toBe('wasm');
  expect(backend.report).toMatch(/native rejected: .+/);
  console.warn(`tfjs-node could not be had here, so it was not compared: ${backend.report}`);
});

test('WASM agrees with plain CPU to 1e-5, and neither writes to the console', async () => {
  const spies = noise.map((name) => vi.spyOn(console, name));
  const wasm = await loadBackend({ prefer: 'wasm' });
  const cpu = await loadBackend({ prefer: 'cpu' });
  for (const [rows, inner, columns] of [
    [BLOCK_ROWS, 29, 32],
    [128, BLOCK_ROWS, 33],
    [1, 1, 1],
  ]) {
    const product = productOf(rows!, inner!, columns!);
    const actual = wasm.product(product);
    expect(tf.getBackend()).toBe('wasm');
    const expected = cpu.product(product);
    expect(tf.getBackend()).toBe('cpu');
    expect(actual).toHaveLength(rows! * columns!);
    for (let i = 0; i < actual.length; i++) expect(actual[i]).toBeCloseTo(expected[i]!, 5);
  }
  for (const spy of spies) {
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
  }
});

test('transposed operands and a gate change what they say and nothing else', async () => {
  const product = productOf(6, 5, 4);
  const turned = {
    ...product,
    left: transpose(product.left, 6),
    leftTransposed: true,
    right: transpose(product.right, 5),
    rightTransposed: true,
  };
  const gate = Float32Array.from({ length: 24 }, (_, i) => [1, 0, -1][i % 3]!);
  for (const prefer of ['wasm', 'cpu'] as const) {
    const backend = await loadBackend({ prefer });
    const plain = backend.product(product);
    expect(backend.product(turned)).toEqual(plain);
    const gated = plain.map((x, i) => (gate[i]! > 0 ? x : 0));
    expect(backend.product({ ...turned, gate })).toEqual(gated);
  }
  expect(tf.memory().numTensors).toBe(0);
});

test('a backend that cannot be had is an error that names the reason', async () => {
  const { kind } = await loadBackend();
  if (kind !== 'native') {
    await expect(loadBackend({ prefer: 'native' })).rejects.toThrow('native rejected');
  }
});

test('the self-check passes an honest product and names what is wrong with others', () => {
  expect(selfCheck(honest)).toBeUndefined();
  expect(selfCheck((product) => honest({ ...product, left: product.left.map(toBfloat16) }))).toBe(
    'products are not plain float32',
  );
  expect(selfCheck((product) => honest(product).map((x, i) => (i === 7 ? x + 0.01 : x)))).toMatch(
    'wrong product',
  );
  expect(selfCheck(leaking)).toMatch('rows depend on other rows');
  expect(selfCheck(positional)).toMatch('rows depend on other rows');
});

function honest({ left, right, rows, inner, columns, bias, relu = false }: Product): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < columns; k++) {
      let sum = bias?.[k] ?? 0;
      for (let j = 0; j < inner; j++) {
        sum = Math.fround(sum + Math.fround(left[row * inner + j]! * right[j * columns + k]!));
      }
      out[row * columns + k] = relu && sum < 0 ? 0 : sum;
    }
  }
  return out;
}

/** One unit in the last place more where the row before starts with NaN. */
function leaking(product: Product): Float32Array {
  return honest(product).map((x, i) => {
    const before = Math.floor(i / product.columns) - 1;
    return Number.isNaN(product.left[before * product.inner]) ? x * (1 + 2 ** -23) : x;
  });
}

/** One unit in the last place more in the last rows, as a kernel for a tile's remainder has. */
function positional(product: Product): Float32Array {
  const tail = (product.rows - 2) * product.columns;
  return honest(product).map((x, i) => (i >= tail && product.rows > 1 ? x * (1 + 2 ** -23) : x));
}

/** `rows` rows, turned into columns. */
function transpose(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows;
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
}

function toBfloat16(x: number): number {
  return new Float32Array(
    new Uint32Array(Float32Array.of(x).buffer).map((b) => b & ~0xffff).buffer,
  )[0]!;
}

function productOf(rows: number, inner: number, columns: number): Product {
  const values = (length: number, step: number) =>
    Float32Array.from({ length }, (_, i) => Math.sin(i * step));
  return {
    left: values(rows * inner, 0.7),
    right: values(inner * columns, 1.3),
    bias: values(columns, 2.1),
    relu: true,
    rows,
    inner,
    columns,
  };
}
