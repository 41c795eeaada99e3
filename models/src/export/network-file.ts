import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { layout, type Network, type NetworkSpec } from '../network/network.ts';
import { readSafetensors, type Tensor, writeSafetensors } from './safetensors.ts';

/** What a model file says of itself, in words and numbers that travel with the weights. */
export interface ModelCard {
  readonly version: string;
  /** One name per head, in the order of the outputs. */
  readonly heads: readonly string[];
  /** Feature contract, `id/version`. */
  readonly contract: string;
  /** Epsilon and delta with unit and neighbouring relation, as a sentence. */
  readonly epsilonStatement: string;
}

/** A published network. */
export interface PublishedNetwork {
  readonly network: Network;
  readonly parameters: Float32Array;
  readonly card: ModelCard;
}

/** Tensors `layers.<i>.weight` (outputs x inputs) and `layers.<i>.bias`, the card as metadata. */
export function networkToSafetensors(published: PublishedNetwork): Uint8Array {
  const { network, parameters, card } = published;
  if (parameters.length !== network.dimension) throw new RangeError(`${parameters.length}`);
  if (card.heads.length !== network.headCount) throw new RangeError(`${card.heads.length} heads`);
  const tensors = network.layers.flatMap((layer, i): Tensor[] => {
    const { inputWidth, outputWidth, offset, biasOffset } = layer;
    return [
      {
        name: `layers.${i}.weight`,
        shape: [outputWidth, inputWidth],
        values: parameters.subarray(offset, biasOffset),
      },
      {
        name: `layers.${i}.bias`,
        shape: [outputWidth],
        values: parameters.subarray(biasOffset, biasOffset + outputWidth),
      },
    ];
  });
  const metadata = {
    version: card.version,
    heads: JSON.stringify(card.heads),
    contract: card.contract,
    epsilon: card.epsilonStatement,
    kind: network.spec.kind,
  };
  return writeSafetensors({ tensors, metadata });
}

/**
 * Inverse of `networkToSafetensors`; refuses (`model-file-malformed`) what it could not have
 * written.
 */
export function networkFromSafetensors(bytes: Uint8Array): PublishedNetwork | Refusal {
  const file = readSafetensors(bytes);
  if (isRefusal(file)) return file;
  const malformed = (why: string) => refuse('model-file-malformed', { why });
  const { version, heads, contract, epsilon, kind } = file.metadata;
  if (version === undefined || contract === undefined || epsilon === undefined) {
    return malformed('version, contract and epsilon are needed');
  }
  const names = headNames(heads);
  const network = networkOf(kind, file.tensors);
  if (names === undefined || network === undefined) return malformed('heads or layers');
  const parameters = new Float32Array(network.dimension);
  let at = 0;
  for (const { values } of file.tensors) {
    parameters.set(values, at);
    at += values.length;
  }
  if (names.length !== network.headCount) return malformed(`${names.length} heads`);
  const card = { version, heads: names, contract, epsilonStatement: epsilon };
  return { network, parameters, card };
}

function headNames(json: string | undefined): string[] | undefined {
  try {
    const names: unknown = JSON.parse(json ?? '');
    return Array.isArray(names) && names.every((x) => typeof x === 'string') ? names : undefined;
  } catch {
    return undefined;
  }
}

function networkOf(kind: string | undefined, tensors: readonly Tensor[]): Network | undefined {
  const widths = [tensors[0]?.shape[1]];
  for (let i = 0; i < tensors.length; i += 2) {
    const [weight, bias] = [tensors[i]!, tensors[i + 1]];
    const [outputs, inputs] = weight.shape;
    if (weight.name !== `layers.${i / 2}.weight` || weight.shape.length !== 2) return undefined;
    if (bias?.name !== `layers.${i / 2}.bias` || bias.shape.length !== 1) return undefined;
    if (inputs !== widths.at(-1) || bias.shape[0] !== outputs) return undefined;
    widths.push(outputs);
  }
  const [inputWidth, ...rest] = widths;
  const headCount = rest.pop();
  if (!inputWidth || !headCount || rest.includes(0)) return undefined;
  const hidden = rest as number[];
  if (kind === 'outcome-logistic' && hidden.length === 0)
    return layout({ kind, inputWidth, headCount });
  if (kind !== 'outcome-mlp' || hidden.length === 0) return undefined;
  return layout({ kind, inputWidth, hidden, headCount } satisfies NetworkSpec);
}
