import { hex, utf8 } from '@tacit/privacy/crypto/bytes.ts';
import { ed25519 } from '@tacit/privacy/crypto/ed25519.ts';
import { H, sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { coordinatorSeed } from '@tacit/proto/testing/signed-manifest.ts';
import { expect, test } from 'vitest';
import type { FetchedModel } from './effect.ts';
import { type HeldModel, heldModels, modelWrites, verifyModel } from './model-store.ts';

const bytes = new Uint8Array([1, 2, 3]);
const coordinatorKeys = [ed25519.publicKey(coordinatorSeed)];

test('a signed, newer version is taken, and a store gives it back', () => {
  const held = taken(version(4), undefined);
  const stored = modelWrites(held).map(({ key, value }) => [key, value] as [string, Uint8Array]);
  expect(heldModels(stored).get('R-1')).toEqual(held);
  expect(taken(version(5), held).version.version).toBe(5);
});

test('the same version again is no step back', () => {
  const held = taken(version(4), undefined);
  expect(isRefusal(verify(version(4), held))).toBe(false);
});

test.each([
  ['an older version', () => version(3), 'older'],
  ['a version with other bytes', () => ({ ...version(5), bytes: new Uint8Array([9]) }), 'hash'],
  ['a record altered after signing', () => altered(version(5)), 'signature'],
  ['a record signed by somebody else', () => version(5, new Uint8Array(32).fill(9)), 'signature'],
])('%s is refused, and what was held stays', (_name, make, reason) => {
  const held = taken(version(4), undefined);
  expect(verify(make(), held)).toMatchObject({ refused: 'model-unverified', facts: { reason } });
});

function verify(fetched: FetchedModel, held: HeldModel | undefined) {
  return verifyModel(fetched, { coordinatorKeys, held: () => held });
}

function taken(fetched: FetchedModel, held: HeldModel | undefined): HeldModel {
  const verified = verify(fetched, held);
  if (isRefusal(verified)) throw new Error(verified.refused);
  return verified;
}

function version(number: number, seed = coordinatorSeed): FetchedModel {
  const hash = hex(sha256(bytes));
  const record = utf8(
    JSON.stringify({
      apiVersion: 'tacit/v1',
      kind: 'ModelVersion',
      federationId: 'test',
      runId: 'R-1',
      version: number,
      modelHash: hash,
      parentHash: hash,
      planHash: hash,
    }),
  );
  return { record, signature: ed25519.sign(seed, H('model-version', record)), bytes };
}

function altered(fetched: FetchedModel): FetchedModel {
  const text = new TextDecoder().decode(fetched.record).replace('"version":5', '"version":6');
  return { ...fetched, record: utf8(text) };
}
