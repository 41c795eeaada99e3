import type { LayerRows } from '@tacit/privacy/mechanism/quantize.ts';
import { BLOCK_ROWS, rowsKeepToThemselves } from '../backend-check.ts';
import type { Backend } from '../backend-port.ts';
import type { Network } from './network.ts';
import type { RowBlock } from './row-block.ts';

/** A network with parameters on a backend, ready to see blocks of rows. */
export class Passes {
  readonly #backend: Backend;
  readonly #network: Network;
  readonly #parameters: Float32Array;

  /** Throws when the parameters do not fit, or rows do not keep to themselves at these widths. */
  constructor(options: { backend: Backend; network: Network; parameters: Float32Array }) {
    const { backend, network, parameters } = options;
    if (parameters.length !== network.dimension) {
      throw new RangeError(`${parameters.length} parameters for ${network.dimension}`);
    }
    checkRows(backend, network);
    this.#backend = backend;
    this.#network = network;
    this.#parameters = parameters;
  }

  /** Logits of a block's heads, BLOCK_ROWS x headCount. */
  logits(inputs: Float32Array): Float32Array {
    return this.#activations(inputs).at(-1)!;
  }

  /**
   * Inputs and back-propagated loss gradients of every layer for every row of a block, from one
   * forward and one backward pass. The loss of a row is the sum of its heads' binary
   * cross-entropies.
   */
  backward(block: RowBlock): LayerRows[] {
    const { layers } = this.#network;
    const activations = this.#activations(block.inputs);
    let deltas = lossDeltas(activations.at(-1)!, block.labels);
    const out: LayerRows[] = [];
    for (let i = layers.length - 1; i >= 0; i--) {
      const layer = layers[i]!;
      const { inputWidth, outputWidth, offset } = layer;
      const inputs = activations[i]!;
      out.unshift({ inputs, inputWidth, deltas, outputWidth, offset });
      if (i === 0) break;
      deltas = this.#backend.product({
        left: deltas,
        right: this.#parameters.subarray(offset, layer.biasOffset),
        rows: BLOCK_ROWS,
        inner: outputWidth,
        columns: inputWidth,
        // The ReLU's own gradient: an inactive unit passes nothing back.
        gate: inputs,
      });
    }
    return out;
  }

  /** The inputs of each layer, then the logits. */
  #activations(inputs: Float32Array): Float32Array[] {
    const { layers } = this.#network;
    const out = [inputs];
    for (const [i, layer] of layers.entries()) {
      const { inputWidth, outputWidth, offset, biasOffset } = layer;
      const next = this.#backend.product({
        left: out[i]!,
        right: this.#parameters.subarray(offset, biasOffset),
        rightTransposed: true,
        rows: BLOCK_ROWS,
        inner: inputWidth,
        columns: outputWidth,
        bias: this.#parameters.subarray(biasOffset, biasOffset + outputWidth),
        relu: i < layers.length - 1,
      });
      out.push(next);
    }
    return out;
  }
}

/** The logistic function. */
export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Gradient of each head's binary cross-entropy in its logit; a missing label adds nothing. */
function lossDeltas(logits: Float32Array, labels: Float32Array): Float32Array {
  return logits.map((logit, at) => {
    const label = labels[at]!;
    return Number.isNaN(label) ? 0 : sigmoid(logit) - label;
  });
}

const checked = new WeakMap<Backend, Set<string>>();

/** Condition 5 of PRIVACY.md section 3.8 at the widths that will be used, once per backend. */
function checkRows(backend: Backend, network: Network): void {
  const passed = checked.get(backend) ?? new Set();
  checked.set(backend, passed);
  for (const { inputWidth, outputWidth } of network.layers) {
    for (const [inner, columns] of [
      [inputWidth, outputWidth],
      [outputWidth, inputWidth],
    ] as const) {
      const shape = `${inner} x ${columns}`;
      if (passed.has(shape)) continue;
      if (!rowsKeepToThemselves((product) => backend.product(product), { inner, columns })) {
        throw new Error(`${backend.kind}: rows depend on other rows at ${shape}`);
      }
      passed.add(shape);
    }
  }
}
