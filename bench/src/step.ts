import { loadBackend } from '@tacit/models/backend.ts';
import type { Backend } from '@tacit/models/backend-port.ts';
import type { Dataset } from '@tacit/models/network/dataset.ts';
import { gradientStep } from '@tacit/models/network/gradient-step.ts';
import { integerStep } from '@tacit/models/network/integer-step.ts';
import { layout, type NetworkSpec } from '@tacit/models/network/network.ts';
import { randomParameters } from '@tacit/models/network/testing/random-parameters.ts';
import { interleaved, median } from './interleaved.ts';
import { type BenchRow, rowOf } from './row.ts';

/**
 * Time of one agent's training step: plain, with float clipping per learner, and as the
 * integers that leave (`reference-nearest/v1`), against the plain step. Medians of interleaved
 * repeats.
 */
export async function stepBench(): Promise<BenchRow[]> {
  const backend = await loadBackend({ prefer: 'wasm' });
  return SHAPES.flatMap((shape) => rowsOf(backend, shape));
}

interface Shape {
  readonly name: string;
  readonly drawn: number;
  readonly spec: NetworkSpec;
}

const SHAPES: readonly Shape[] = [
  {
    name: '256 drawn, 128-128-4',
    drawn: 256,
    spec: { kind: 'outcome-mlp', inputWidth: 128, hidden: [128], headCount: 4 },
  },
  {
    name: '150 drawn, 29-32-4',
    drawn: 150,
    spec: { kind: 'outcome-mlp', inputWidth: 29, hidden: [32], headCount: 4 },
  },
];

const RUNS = { repeats: 120, warmUp: 40, statistic: median };

function rowsOf(backend: Backend, { name, drawn, spec }: Shape): BenchRow[] {
  const step = {
    backend,
    network: layout(spec),
    parameters: randomParameters(spec, 1),
    data: dataOf(spec, drawn),
    drawn: Uint32Array.from({ length: drawn }, (_, i) => i),
  };
  const clipping = { norm: 1, rowCap: 1 };
  const quantiser = { scale: 20_000, deltaGrid: 20_000, clip: 1 };
  const [plain, float, integer] = interleaved(
    [
      () => gradientStep(step),
      () => gradientStep({ ...step, clipping }),
      () => integerStep({ ...step, quantiser }),
    ],
    RUNS,
  );
  const row = (what: string, value: number): BenchRow =>
    rowOf({
      bench: 'step',
      case: `${what}, ${name}, ${backend.kind}`,
      value,
      unit: 'ms',
      floor: plain!,
    });
  return [row('plain', plain!), row('float clipped', float!), row('integer', integer!)];
}

/** One row per learner, deterministic values in [-1, 1). */
function dataOf(spec: NetworkSpec, learners: number): Dataset {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return {
    rows: Float32Array.from({ length: learners * spec.inputWidth }, next),
    labels: Float32Array.from({ length: learners * spec.headCount }, () => (next() > 0 ? 1 : 0)),
    learnerRowStart: Uint32Array.from({ length: learners + 1 }, (_, i) => i),
  };
}
