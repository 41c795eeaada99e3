import * as tf from '@tensorflow/tfjs-core';
import { selfCheck } from './backend-check.ts';
import type { Backend, BackendKind, Product } from './backend-port.ts';

export type { Backend, BackendKind } from './backend-port.ts';

/**
 * The first of tfjs-node, WASM and plain CPU that loads and passes the self-check; with `prefer`
 * only that one. Throws when none is left. Environment: reads modules, sets tfjs globals.
 */
export async function loadBackend(
  options: { prefer?: 'auto' | BackendKind } = {},
): Promise<Backend> {
  const { prefer = 'auto' } = options;
  tf.enableProdMode();
  const kinds: readonly BackendKind[] = prefer === 'auto' ? ['native', 'wasm', 'cpu'] : [prefer];
  const rejected: string[] = [];
  for (const kind of kinds) {
    const failure = await start(kind)
      .then(() => selfCheck((product) => run(TFJS_NAME[kind], product)))
      .catch(reasonOf);
    if (failure === undefined) return backendOf(kind, rejected);
    rejected.push(`${kind} rejected: ${failure}`);
  }
  throw new Error(`no tensor backend: ${rejected.join('; ')}`);
}

const TFJS_NAME = { native: 'tensorflow', wasm: 'wasm', cpu: 'cpu' } as const;

/** tfjs-node is optional, so its types may be absent: the name is not a literal on purpose. */
const NATIVE_MODULE: string = '@tensorflow/tfjs-node';

async function start(kind: BackendKind): Promise<void> {
  if (kind === 'native') {
    process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
    await import(NATIVE_MODULE);
  } else if (kind === 'wasm') {
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    wasm.setThreadsCount(1);
  } else {
    await import('@tensorflow/tfjs-backend-cpu');
  }
  if (!(await tf.setBackend(TFJS_NAME[kind]))) throw new Error('did not initialise');
}

function backendOf(kind: BackendKind, rejected: readonly string[]): Backend {
  const name = TFJS_NAME[kind];
  const report = [`${kind}: float32, rows keep to themselves`, ...rejected].join('; ');
  return { kind, report, product: (product) => run(name, product) };
}

function run(name: string, product: Product): Float32Array {
  // Takes effect at once: an initialised backend is switched to before the first await inside.
  if (tf.getBackend() !== name) void tf.setBackend(name);
  const { rows, inner, columns, relu = false } = product;
  const a = matrix(product.left, [rows, inner], product.leftTransposed);
  const b = matrix(product.right, [inner, columns], product.rightTransposed);
  const bias = product.bias && tf.tensor1d(product.bias, 'float32');
  const out = tf.fused.matMul({ a, b, bias, activation: relu ? 'relu' : 'linear' });
  const kept = product.gate === undefined ? out : keptWhere(out, product.gate);
  // Not in a tidy: it would search the typed array it returns for tensors.
  const values = kept.dataSync<'float32'>();
  tf.dispose([a, b, out, kept]);
  bias?.dispose();
  return values;
}

/** Turned first where need be: the products' own transpose flags are ten times slower on WASM. */
function matrix(values: Float32Array, shape: [number, number], transposed = false): tf.Tensor2D {
  if (!transposed) return tf.tensor2d(values, shape, 'float32');
  const stored = tf.tensor2d(values, [shape[1], shape[0]], 'float32');
  const turned = tf.transpose(stored);
  stored.dispose();
  return turned;
}

function keptWhere(out: tf.Tensor, gate: Float32Array): tf.Tensor {
  return tf.tidy(() => tf.mul(out, tf.step(tf.tensor(gate, out.shape, 'float32'))));
}

/** Not the whole message of a module that is not there: it holds paths of this machine. */
function reasonOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message.split('\n')[0]!.slice(0, 120);
}
