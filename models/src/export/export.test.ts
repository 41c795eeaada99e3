import { isRefusal } from '@tacit/privacy/refusal.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadBackend } from '../backend.ts';
import { layout, type NetworkSpec } from '../network/network.ts';
import { predict } from '../network/predict.ts';
import { randomParameters } from '../network/testing/random-parameters.ts';
import { networkFromSafetensors, networkToSafetensors } from './network-file.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { networkToTfjsLayers } from './tfjs-layers.ts';

const card = {
  version: '12',
  heads: ['pass', 'withdraw', 'né'],
  contract: 'oulad-day56/1',
  epsilonStatement: 'epsilon 2 at delta 1e-5 per learner (zero-out)',
};

function published(spec: NetworkSpec) {
  const parameters = randomParameters(spec, 4);
  for (let i = 0; i < parameters.length; i++) parameters[i]! += Math.fround(i * 1e-3);
  return { network: layout(spec), parameters, card };
}

const mlp = published({ kind: 'outcome-mlp', inputWidth: 5, hidden: [4, 6], headCount: 3 });
const logistic = published({ kind: 'outcome-logistic', inputWidth: 5, headCount: 3 });

describe('safetensors', () => {
  test('has the bytes the format describes', () => {
    const tensors = [{ name: 'a', shape: [1, 2], values: Float32Array.of(1, -2) }];
    const bytes = writeSafetensors({ tensors, metadata: { z: '1', b: '2' } });
    const header =
      '{"__metadata__":{"b":"2","z":"1"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}';
    const padded = Math.ceil(header.length / 8) * 8;
    expect(Buffer.from(bytes.subarray(0, 8)).readBigUInt64LE()).toBe(BigInt(padded));
    const text = new TextDecoder().decode(bytes.subarray(8, 8 + padded));
    expect(text).toBe(header.padEnd(padded));
    expect(Buffer.from(bytes.subarray(8 + padded)).toString('hex')).toBe('0000803f000000c0');
  });

  test.each([
    ['mlp', mlp],
    ['logistic', logistic],
  ])('a network survives its bytes: %s', (_, of) => {
    expect(networkFromSafetensors(networkToSafetensors(of))).toEqual(of);
  });

  test('no bytes crash the reader; one wrong byte of header is refused or harmless', () => {
    const bytes = networkToSafetensors(mlp);
    const headerEnd = 8 + Number(Buffer.from(bytes).readBigUInt64LE());
    fc.assert(
      fc.property(fc.nat(headerEnd - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice();
        changed[at]! ^= flip;
        const read = networkFromSafetensors(changed);
        if (!isRefusal(read)) expect(read.parameters).toEqual(mlp.parameters);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        expect(isRefusal(networkFromSafetensors(random))).toBe(true);
      }),
    );
  });

  test('truncated, overlapping and foreign files are refused with a reason', () => {
    const bytes = networkToSafetensors(mlp);
    expect(readSafetensors(bytes.subarray(0, bytes.length - 4))).toMatchObject({
      refused: 'safetensors-malformed',
      facts: { why: expect.stringContaining('layers.2.bias') },
    });
    expect(readSafetensors(Uint8Array.of(...bytes, 0))).toMatchObject({
      facts: { why: 'bytes left over' },
    });
    const tensors = [{ name: 'x', shape: [2], values: new Float32Array(2) }];
    expect(networkFromSafetensors(writeSafetensors({ tensors, metadata: {} }))).toMatchObject({
      refused: 'model-file-malformed',
    });
  });
});

describe('TFJS layers', () => {
  test('the files alone give the scores that the network gives', async () => {
    const { modelJson, weightsBin } = networkToTfjsLayers(mlp);
    const rows = Float32Array.from({ length: 10 }, (_, i) => Math.sin(i));
    const backend = await loadBackend({ prefer: 'cpu' });
    const expected = predict({ backend, ...mlp, rows });
    const actual = scoresOf(JSON.parse(new TextDecoder().decode(modelJson)), weightsBin, rows);
    expect(actual).toHaveLength(expected.length);
    for (let i = 0; i < actual.length; i++) expect(actual[i]).toBeCloseTo(expected[i]!, 6);
  });

  test('the card travels with the model', () => {
    const model = JSON.parse(new TextDecoder().decode(networkToTfjsLayers(logistic).modelJson));
    expect(model.userDefinedMetadata).toEqual(card);
    expect(model.format).toBe('layers-model');
  });
});

interface LayersModel {
  modelTopology: {
    config: { layers: { config: { name: string; units: number; activation: string } }[] };
  };
  weightsManifest: { weights: { name: string; shape: number[] }[] }[];
}

/**
 * What a reader of the format computes: dense layers in order, weights as the manifest lists
 * them.
 */
function scoresOf(model: LayersModel, bin: Uint8Array, rows: Float32Array): number[] {
  const weights = new Map<string, number[]>();
  let at = 0;
  for (const { name, shape } of model.weightsManifest.flatMap((group) => group.weights)) {
    const size = shape.reduce((a, b) => a * b, 1);
    weights.set(name, Array.from(new Float32Array(bin.buffer, bin.byteOffset + 4 * at, size)));
    at += size;
  }
  expect(4 * at).toBe(bin.length);
  const out: number[] = [];
  for (let start = 0; start < rows.length; start += 5) {
    let x = Array.from(rows.subarray(start, start + 5));
    for (const { config } of model.modelTopology.config.layers) {
      const kernel = weights.get(`${config.name}/kernel`)!;
      x = weights.get(`${config.name}/bias`)!.map((bias, k) => {
        const z = x.reduce((sum, a, j) => sum + a * kernel[j * config.units + k]!, bias);
        return config.activation === 'relu' ? Math.max(z, 0) : 1 / (1 + Math.exp(-z));
      });
    }
    out.push(...x);
  }
  return out;
}
