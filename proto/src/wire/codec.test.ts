import { isRefusal } from '@tacit/privacy/refusal.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCodec } from './codec.ts';

const codec = createCodec();
const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);

test('a message comes back as it went', () => {
  const open = {
    epoch: bytes(32, 1),
    slot: 0,
    runId: 'R-1',
    round: 7,
    attempt: 0,
    modelHash: bytes(32, 2),
    planHash: bytes(32, 3),
    mechanism: {
      id: 'm',
      clipNorm: 0.1,
      scale: 1234.5,
      sensitivity: 1700,
      shareVariance: 5e6,
      nMin: 6,
      c: 2,
    },
    vec: { kind: 'training', length: 1092, ringBits: 32 },
    participants: bytes(1, 255),
    bundleHashes: [bytes(32, 4), bytes(32, 5)],
    uploadsClosed: false,
  };
  expect(codec.decode('RoundOpen', codec.encode('RoundOpen', open))).toEqual(open);
});

test('decoded bytes are plain arrays whose slices are copies', () => {
  const decoded = codec.decode(
    'AbortAsk',
    codec.encode('AbortAsk', { epoch: bytes(32, 9), slot: 3 }),
  );
  if (isRefusal(decoded)) throw new Error(decoded.refused);
  expect(decoded.epoch.constructor).toBe(Uint8Array);
});

test('a missing nested message is refused', () => {
  expect(codec.decode('RoundOpen', new Uint8Array(0))).toMatchObject({
    refused: 'message-malformed',
  });
});

test('any bytes at all: a value or a refusal, never an exception (D-34)', () => {
  const types = ['Hello', 'RoundOpen', 'Certificate', 'Reveal', 'Upload', 'RoundResult'] as const;
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 300 }), (type, body) => {
      const value = codec.decode(type, body);
      return typeof value === 'object';
    }),
    { numRuns: 2000 },
  );
});
