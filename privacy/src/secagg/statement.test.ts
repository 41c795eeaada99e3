import { expect, test } from 'vitest';
import { hex } from '../crypto/bytes.ts';
import type { RoundOpen } from './message.ts';
import { advance, channelKey, edgeKey, pairRoots, type Roots } from './ratchet.ts';
import { transcriptOf } from './statement.ts';

const b32 = (byte: number) => new Uint8Array(32).fill(byte);

const OPEN: RoundOpen = {
  epoch: b32(1),
  slot: 2,
  runId: 'run',
  round: 3,
  attempt: 1,
  modelHash: b32(2),
  planHash: b32(3),
  mechanism: {
    id: 'ddg',
    clipNorm: 1,
    scale: 2,
    sensitivity: 3,
    shareVariance: 4,
    nMin: 5,
    c: 1,
  },
  vec: { kind: 'gradient', length: 10, ringBits: 32 },
  participants: new Uint8Array([7]),
  bundleHashes: [b32(4), b32(5), b32(6)],
  uploadsClosed: false,
};

test('T changes when any one field changes (I7)', () => {
  const { mechanism: m, vec: v } = OPEN;
  const mutants: RoundOpen[] = [
    OPEN,
    { ...OPEN, epoch: b32(9) },
    { ...OPEN, slot: 9 },
    { ...OPEN, runId: 'ruN' },
    { ...OPEN, round: 9 },
    { ...OPEN, attempt: 9 },
    { ...OPEN, modelHash: b32(9) },
    { ...OPEN, planHash: b32(9) },
    ...Object.entries(m).map(([field, value]) => ({
      ...OPEN,
      mechanism: { ...m, [field]: typeof value === 'string' ? 'x' : value + 1 },
    })),
    ...Object.entries(v).map(([field, value]) => ({
      ...OPEN,
      vec: { ...v, [field]: typeof value === 'string' ? 'x' : value + 1 },
    })),
    { ...OPEN, participants: new Uint8Array([3]) },
    { ...OPEN, bundleHashes: [b32(4), b32(5), b32(9)] },
    { ...OPEN, bundleHashes: [b32(5), b32(4), b32(6)] },
  ];
  expect(new Set(mutants.map((open) => hex(transcriptOf(open)))).size).toBe(mutants.length);
  const again = { ...OPEN, uploadsClosed: true };
  expect(hex(transcriptOf(again))).toBe(hex(transcriptOf(OPEN)));
});

test('keys differ by edge, direction, purpose, slot and epoch (I11)', () => {
  const keys: string[] = [];
  for (const ctx of [b32(1), b32(2)]) {
    const pairs = [1, 2, 3].map((peer) => pairRoots(b32(7), { ctx, self: 0, peer }));
    let roots: Roots = {
      edge: new Map(pairs.map((pair, i) => [i, pair.edge])),
      channelTo: new Map(pairs.map((pair, i) => [i, pair.channelTo])),
      channelFrom: new Map(pairs.map((pair, i) => [i, pair.channelFrom])),
    };
    for (let slot = 0; slot < 20; slot++) {
      for (const root of roots.edge.values()) keys.push(hex(root), hex(edgeKey(root, ctx, slot)));
      for (const map of [roots.channelTo, roots.channelFrom]) {
        for (const root of map.values()) keys.push(hex(root), hex(channelKey(root, ctx, slot)));
      }
      roots = advance(roots, ctx);
    }
  }
  expect(keys).toHaveLength(2 * 20 * 18);
  expect(new Set(keys).size).toBe(keys.length);
});
