import type { PublishedNetwork } from './network-file.ts';

/** The two files of a TensorFlow.js layers model; `model.json` names `weights.bin` beside it. */
export interface TfjsLayersFiles {
  readonly modelJson: Uint8Array;
  readonly weightsBin: Uint8Array;
}

/**
 * A published network as a TensorFlow.js layers model (`tf.loadLayersModel`): a Keras Sequential of
 * Dense layers, ReLU then sigmoid, float32 kernels inputs x outputs; the card is in
 * `userDefinedMetadata`.
 */
export function networkToTfjsLayers({
  network,
  parameters,
  card,
}: PublishedNetwork): TfjsLayersFiles {
  const values = new Float32Array(network.dimension);
  const layers: object[] = [];
  const weights: object[] = [];
  for (const [i, layer] of network.layers.entries()) {
    const { inputWidth, outputWidth, offset, biasOffset } = layer;
    const last = i === network.layers.length - 1;
    const name = last ? 'heads' : `hidden_${i + 1}`;
    values.set(transpose(parameters.subarray(offset, biasOffset), outputWidth, inputWidth), offset);
    values.set(parameters.subarray(biasOffset, biasOffset + outputWidth), biasOffset);
    const units = { units: outputWidth, activation: last ? 'sigmoid' : 'relu', use_bias: true };
    const input = i === 0 ? { batch_input_shape: [null, inputWidth] } : {};
    layers.push({ class_name: 'Dense', config: { name, dtype: 'float32', ...units, ...input } });
    weights.push(
      { name: `${name}/kernel`, shape: [inputWidth, outputWidth], dtype: 'float32' },
      { name: `${name}/bias`, shape: [outputWidth], dtype: 'float32' },
    );
  }
  const model = {
    format: 'layers-model',
    generatedBy: 'tacit',
    convertedBy: null,
    modelTopology: {
      class_name: 'Sequential',
      config: { name: 'outcome', layers },
      keras_version: 'tfjs-layers 4.22.0',
      backend: 'tensor_flow.js',
    },
    weightsManifest: [{ paths: ['weights.bin'], weights }],
    userDefinedMetadata: card,
  };
  return {
    modelJson: new TextEncoder().encode(JSON.stringify(model)),
    weightsBin: new Uint8Array(values.buffer),
  };
}

/** rows x columns, row after row, turned into columns x rows. */
function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[at++]!;
  }
  return out;
}
