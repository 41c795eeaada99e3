import { clippedWeight, quantizeAdd } from '@tacit/privacy/mechanism/quantize.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadBackend } from '../backend.ts';
import type { Backend } from '../backend-port.ts';
import type { Dataset } from './dataset.ts';
import { gradientStep } from './gradient-step.ts';
import { integerStep } from './integer-step.ts';
import { layout, type NetworkSpec } from './network.ts';
import { predict } from './predict.ts';
import { randomParameters } from './testing/random-parameters.ts';

const spec: NetworkSpec = { kind: 'outcome-mlp', inputWidth: 7, hidden: [9, 5], headCount: 3 };
const network = layout(spec);
const parameters = randomParameters(spec, 3);
const quantiser = { scale: 4000, deltaGrid: 4000, clip: 1 };

let wasm: Backend;
let cpu: Backend;
beforeAll(async () => {
  wasm = await loadBackend({ prefer: 'wasm' });
  cpu = await loadBackend({ prefer: 'cpu' });
});

describe('plain step', () => {
  test('is the derivative of the summed cross-entropy, labels that are missing left out', () => {
    const data = cohort([1, 0, 3, 2]);
    const drawn = all(data);
    const gradient = gradientStep({ backend: wasm, network, parameters, data, drawn });
    for (let at = 0; at < network.dimension; at++) {
      const step = 2 ** -9;
      const moved = (by: number) => parameters.map((x, i) => (i === at ? x + by : x));
      const slope = (loss(moved(step), data) - loss(moved(-step), data)) / (2 * step);
      expect(gradient[at]).toBeCloseTo(slope, 3);
    }
  });

  test('agrees between WASM and plain CPU to 1e-5', () => {
    const data = cohort(Array.from({ length: 300 }, (_, i) => i % 4));
    const step = { network, parameters, data, drawn: all(data), clipping: { norm: 1, rowCap: 2 } };
    expectClose(gradientStep({ ...step, backend: wasm }), gradientStep({ ...step, backend: cpu }));
    const { clipping: _, ...plain } = step;
    expectClose(
      gradientStep({ ...plain, backend: wasm }),
      gradientStep({ ...plain, backend: cpu }),
    );
  });
});

describe('float clipped step', () => {
  test('is the sum of clipped gradients of single learners', () => {
    const data = cohort([1, 2, 0, 5, 1, 1]);
    const expected = new Float64Array(network.dimension);
    for (const learner of all(data)) {
      const own = plainOf(data, [learner]);
      const weight = clippedWeight({ norm: Math.hypot(...own), bound: 0.5, scale: 1 });
      for (let i = 0; i < own.length; i++) expected[i]! += weight * own[i]!;
    }
    const clipping = { norm: 0.5, rowCap: 100 };
    expectClose(clipped(data, clipping), expected);
  });

  test('a row cap bounds what cancelling rows could add up to', () => {
    const data = cohort([2]);
    // Two equal rows with opposite labels: large terms, small gradient.
    data.rows.copyWithin(7, 0, 7);
    data.labels.set([1, 1, 1, 0, 0, 0]);
    const loose = Math.hypot(...clipped(data, { norm: 10, rowCap: 1e9 }));
    const capped = Math.hypot(...clipped(data, { norm: 10, rowCap: 0.01 }));
    expect(loose).toBeGreaterThan(0.05);
    expect(capped).toBeLessThan(loose * 0.2);
  });

  test('a learner whose gradient is not finite is left out', () => {
    const data = cohort([1, 2, 1]);
    const without = clipped(cohort([1, 2, 1]), { norm: 1, rowCap: 2 }, [0, 2]);
    for (const poison of [Number.NaN, Infinity, 3e38]) {
      data.rows.fill(poison, 7, 14);
      expect(clipped(data, { norm: 1, rowCap: 2 })).toEqual(without);
    }
  });

  function clipped(data: Dataset, clipping: { norm: number; rowCap: number }, of?: number[]) {
    const drawn = of ? Uint32Array.from(of) : all(data);
    return gradientStep({ backend: wasm, network, parameters, data, drawn, clipping });
  }
});

describe('integer step', () => {
  test('is the sum of the gradients of single learners, each quantised whole', () => {
    const data = cohort(Array.from({ length: 40 }, (_, i) => i % 5));
    const expected = new Int32Array(network.dimension);
    for (const learner of all(data)) {
      quantizeAdd({ vector: plainOf(data, [learner]), ...quantiser, sum: expected });
    }
    const sum = integers(data);
    // Gradients multiplied in float32 and in float64 fall on two sides of a half now and then.
    for (let i = 0; i < sum.length; i++) expect(Math.abs(sum[i]! - expected[i]!)).toBeLessThan(3);
    expect(norm(sum)).toBeGreaterThan(1000);
  });

  test('drawn but empty is not drawn, bit for bit', () => {
    const rows = Array.from({ length: 400 }, (_, i) => (i % 7 === 0 ? 0 : 1 + (i % 3)));
    const data = cohort(rows);
    const notEmpty = Array.from(all(data)).filter((i) => rows[i]! > 0);
    expect(integers(data)).toEqual(integers(data, notEmpty));
  });

  test('one learner moves the sum by exactly its own integers, at most deltaGrid', () => {
    const data = cohort(Array.from({ length: 300 }, (_, i) => 1 + (i % 4)));
    const whole = integers(data);
    for (const left of [0, 17, 84, 85, 299]) {
      const without = integers(
        data,
        Array.from(all(data)).filter((i) => i !== left),
      );
      const own = integers(data, [left]);
      expect(whole.map((x, i) => x - without[i]!)).toEqual(own);
      expect(norm(own)).toBeLessThanOrEqual(quantiser.deltaGrid);
      expect(norm(own)).toBeGreaterThan(100);
    }
  });

  test('every learner stays within deltaGrid, whatever its rows hold', () => {
    const data = cohort([1, 3, 1, 2, 1, 1]);
    const values = [Number.NaN, Infinity, -Infinity, 3e38, 1e20, 2 ** -149];
    for (const [learner, value] of values.entries()) {
      const at = data.learnerRowStart[learner]! * 7;
      data.rows.fill(value, at, at + 4);
      const own = norm(integers(data, [learner]));
      expect(own).toBeLessThanOrEqual(quantiser.deltaGrid);
      if (learner < 3) expect(own).toBe(0);
    }
    const labels = cohort([1]);
    labels.labels.fill(Infinity);
    expect(norm(integers(labels))).toBe(0);
  });

  test('the clip bounds the integers when it is the tighter bound', () => {
    const data = cohort([3]);
    const tight = { ...quantiser, clip: 0.125 };
    const sum = integerStep({
      backend: wasm,
      network,
      parameters,
      data,
      drawn: all(data),
      quantiser: tight,
    });
    expect(norm(sum)).toBeGreaterThan(480);
    expect(norm(sum)).toBeLessThan(510);
  });

  test('shapes that do not fit are programmer errors', () => {
    const data = cohort([1]);
    const step = { backend: wasm, network, parameters, data, drawn: all(data), quantiser };
    expect(() => integerStep({ ...step, parameters: new Float32Array(3) })).toThrow(RangeError);
    expect(() => integerStep({ ...step, data: { ...data, labels: new Float32Array(2) } })).toThrow(
      RangeError,
    );
    expect(() => integerStep({ ...step, drawn: Uint32Array.of(1) })).toThrow(RangeError);
    expect(() => integerStep({ ...step, data: cohort([257]) })).toThrow('257 rows');
  });

  test('a backend whose rows mix is refused at the widths in use', () => {
    const mixing: Backend = {
      ...cpu,
      product: (product) => {
        const out = cpu.product(product);
        return product.columns === 9 ? out.map((x) => x + out[0]!) : out;
      },
    };
    const data = cohort([1]);
    expect(() =>
      integerStep({ backend: mixing, network, parameters, data, drawn: all(data), quantiser }),
    ).toThrow('rows depend on other rows at 7 x 9');
  });

  function integers(data: Dataset, of?: number[]): Int32Array {
    const drawn = of ? Uint32Array.from(of) : all(data);
    return integerStep({ backend: wasm, network, parameters, data, drawn, quantiser });
  }
});

function plainOf(data: Dataset, of: number[]): Float64Array {
  return gradientStep({ backend: wasm, network, parameters, data, drawn: Uint32Array.from(of) });
}

function loss(at: Float32Array, data: Dataset): number {
  const scores = predict({ backend: wasm, network, parameters: at, rows: data.rows });
  return scores.reduce((sum, score, i) => {
    const label = data.labels[i]!;
    if (Number.isNaN(label)) return sum;
    return sum - Math.log(label === 1 ? score : 1 - score);
  }, 0);
}

/** Learners with these numbers of rows; every fifth label is missing. */
function cohort(rowCounts: number[]): Dataset {
  const learnerRowStart = new Uint32Array(rowCounts.length + 1);
  for (const [i, rows] of rowCounts.entries()) learnerRowStart[i + 1] = learnerRowStart[i]! + rows;
  const rows = learnerRowStart.at(-1)!;
  return {
    rows: Float32Array.from({ length: rows * 7 }, (_, i) => Math.sin(i * i * 0.37 + i)),
    labels: Float32Array.from({ length: rows * 3 }, (_, i) =>
      i % 5 === 4 ? Number.NaN : Math.sin(i * 2.3) > 0 ? 1 : 0,
    ),
    learnerRowStart,
  };
}

function all(data: Dataset): Uint32Array {
  return Uint32Array.from({ length: data.learnerRowStart.length - 1 }, (_, i) => i);
}

function norm(integers: Int32Array): number {
  return Math.sqrt(integers.reduce((sum, x) => sum + x * x, 0));
}

function expectClose(actual: Float64Array, expected: Float64Array): void {
  const size = Math.max(1, ...expected.map(Math.abs));
  for (let i = 0; i < expected.length; i++) {
    expect(Math.abs(actual[i]! - expected[i]!) / size).toBeLessThan(1e-5);
  }
}
