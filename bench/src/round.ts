import { maskedLength } from '@tacit/privacy/secagg/canary.ts';
import { applyMask, fold } from '@tacit/privacy/secagg/mask.ts';
import { interleaved, minimum } from './interleaved.ts';
import { keysOf } from './keystream-floor.ts';
import { type BenchRow, rowOf } from './row.ts';
import { type RoundTimes, TimedFederation } from './timed-federation.ts';
import { WireTraffic } from './wire-traffic.ts';

/**
 * Whole protocol rounds of one epoch in memory, everybody present and with one agent leaving
 * before its upload: time inside the machines of a surviving agent (mean) and of the coordinator,
 * signatures, shares, records and the next slot's keys included, the least of the rounds; and bytes
 * on the wire. Floors: the masks and additions alone; the 4 d bytes of one bare vector.
 */
export function roundBench(): BenchRow[] {
  return SHAPES.flatMap(rowsOf);
}

interface Shape {
  readonly n: number;
  readonly d: number;
  readonly rounds: number;
}

const SHAPES: readonly Shape[] = [
  { n: 5, d: 1_100, rounds: 15 },
  { n: 10, d: 1_100, rounds: 11 },
  { n: 13, d: 1_100, rounds: 7 },
  { n: 32, d: 1_100, rounds: 3 },
  { n: 10, d: 100_000, rounds: 5 },
];
const WARM_UP = 2;

function rowsOf(shape: Shape): BenchRow[] {
  const timed = new TimedFederation(shape);
  // The two kinds take turns: many thin rounds in a row would make the coordinator set up anew.
  const kinds = [false, true].map((dropout) => ({ dropout, rounds: [] as RoundTimes[] }));
  for (let round = 0; round < WARM_UP + shape.rounds; round++) {
    for (const { dropout, rounds } of kinds) {
      const times = timed.run({ dropout });
      if (round >= WARM_UP) rounds.push(times);
    }
  }
  return kinds.flatMap(({ dropout, rounds }) => [
    ...timeRows(shape, dropout, rounds),
    ...byteRows(shape, dropout, timed),
  ]);
}

function timeRows(shape: Shape, dropout: boolean, rounds: readonly RoundTimes[]): BenchRow[] {
  const { n, d } = shape;
  const keys = keysOf(n);
  const survivors = keys.slice(0, dropout ? -1 : n);
  const words = new Uint32Array(maskedLength(d));
  const upload = new Uint32Array(words.length).fill(7);
  const [agentFloor, coordinatorFloor] = interleaved(
    [
      () => {
        for (const key of keys) applyMask(words, key, 1);
      },
      () => {
        for (const _ of survivors) fold(words, upload);
        for (const key of survivors) applyMask(words, key, -1);
        if (dropout) for (const key of survivors) applyMask(words, key, 1);
      },
    ],
    { repeats: 60, warmUp: 10, statistic: minimum },
  );
  const row = (what: string, value: number, floor: number): BenchRow =>
    rowOf({ bench: 'round', case: nameOf(what, shape, dropout), value, unit: 'ms', floor });
  // The least of each agent first: a round of all agents is too long to run undisturbed.
  const agents = rounds[0]!.agents.map((_, i) => minimum(rounds.map((times) => times.agents[i]!)));
  const coordinator = minimum(rounds.map((times) => times.coordinator));
  return [
    row('agent', mean(survivorsOf(agents, n, dropout)), agentFloor!),
    row('coordinator', coordinator, coordinatorFloor!),
  ];
}

function byteRows(shape: Shape, dropout: boolean, timed: TimedFederation): BenchRow[] {
  const { n, d } = shape;
  const traffic = new WireTraffic(n);
  timed.run({ dropout, watch: (delivery) => traffic.add(delivery) });
  const row = (what: string, bytes: readonly number[]): BenchRow => {
    const value = Math.round(mean(survivorsOf(bytes, n, dropout)));
    const name = nameOf(what, shape, dropout);
    return rowOf({ bench: 'round', case: name, value, unit: 'bytes', floor: 4 * d });
  };
  return [row('agent up', traffic.up), row('agent down', traffic.down)];
}

function nameOf(what: string, { n, d }: Shape, dropout: boolean): string {
  return `${what}, n = ${n}, d = ${d}${dropout ? ', one dropout' : ''}`;
}

/** It is always the last agent that leaves. */
function survivorsOf(values: readonly number[], n: number, dropout: boolean): readonly number[] {
  return values.slice(0, dropout ? n - 1 : n);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
