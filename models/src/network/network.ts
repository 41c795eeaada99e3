/** Logistic regression: one sigmoid per head on the features. */
export interface LogisticSpec {
  readonly kind: 'outcome-logistic';
  readonly inputWidth: number;
  readonly headCount: number;
}

/** Hidden ReLU layers of the given widths, then one sigmoid per head. */
export interface MlpSpec {
  readonly kind: 'outcome-mlp';
  readonly inputWidth: number;
  readonly hidden: readonly number[];
  readonly headCount: number;
}

/** The model kinds compiled into agents; a plan names one of them. */
export type NetworkSpec = LogisticSpec | MlpSpec;

/**
 * Where a dense layer lies in the flat parameters: weights outputWidth x inputWidth, then biases.
 */
export interface LayerLayout {
  readonly inputWidth: number;
  readonly outputWidth: number;
  readonly offset: number;
  readonly biasOffset: number;
}

/** A network's shape: `dimension` float32 parameters in one flat array. */
export interface Network {
  readonly spec: NetworkSpec;
  readonly inputWidth: number;
  readonly headCount: number;
  readonly layers: readonly LayerLayout[];
  readonly dimension: number;
}

/** The flat parameter layout of a network. Throws RangeError on widths that are not 1 or more. */
export function layout(spec: NetworkSpec): Network {
  const hidden = spec.kind === 'outcome-mlp' ? spec.hidden : [];
  if (spec.kind === 'outcome-mlp' && hidden.length === 0) throw new RangeError('no hidden layer');
  const widths = [spec.inputWidth, ...hidden, spec.headCount];
  for (const width of widths) {
    if (!Number.isInteger(width) || width < 1) throw new RangeError(`layer width ${width}`);
  }
  const layers: LayerLayout[] = [];
  let dimension = 0;
  for (let i = 1; i < widths.length; i++) {
    const inputWidth = widths[i - 1]!;
    const outputWidth = widths[i]!;
    const biasOffset = dimension + inputWidth * outputWidth;
    layers.push({ inputWidth, outputWidth, offset: dimension, biasOffset });
    dimension = biasOffset + outputWidth;
  }
  return { spec, inputWidth: spec.inputWidth, headCount: spec.headCount, layers, dimension };
}
