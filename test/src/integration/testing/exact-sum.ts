import { fromHex } from '@tacit/privacy/crypto/bytes.ts';
import { bytesToWords, fold } from '@tacit/privacy/secagg/mask.ts';
import type { Cluster } from './cluster.ts';
import { recordsOf } from './record.ts';

/** One released sum beside what its survivors say they contributed. */
export interface ReleasedSum {
  readonly slot: number;
  readonly survivors: readonly string[];
  /** As the agents received it. */
  readonly released: Int32Array;
  /** The sum of the survivors' own words, modulo 2^32. */
  readonly expected: Int32Array;
}

/** Every sum of a run that any agent saw, once each; roster positions are manifest positions. */
export function releasedSums(cluster: Cluster, runId: string): ReleasedSum[] {
  const { units } = cluster.federation;
  const words = units.map((bu) => {
    const own = recordsOf(cluster.folder(bu), 'contributed');
    return new Map(own.filter((r) => r.runId === runId).map((r) => [r.transcript, r.words]));
  });
  const results = units.flatMap((bu) => recordsOf(cluster.folder(bu), 'released'));
  const seen = new Map(
    results
      .filter(({ transcript }) => words.some((own) => own.has(transcript)))
      .map((result) => [result.transcript, result]),
  );
  return [...seen.values()].map(({ slot, transcript, survivors, sum }) => {
    const released = bytesToWords(fromHex(sum));
    const total = new Uint32Array(released.length);
    for (const position of survivors) {
      const own = words[position].get(transcript);
      if (!own) throw new Error(`${units[position]} is a survivor and never contributed`);
      fold(total, bytesToWords(fromHex(own)));
    }
    return {
      slot,
      survivors: survivors.map((position) => units[position]),
      released: new Int32Array(released.buffer),
      expected: new Int32Array(total.buffer),
    };
  });
}
