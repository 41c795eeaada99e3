import { hex } from '../../crypto/bytes.ts';
import { type Federation, keyOf } from './federation.ts';

/**
 * Problems a finished run shows against the invariants of SECAGG.md section 24, in words; an
 * empty list is a good run. Not failures: a round that ended without a result, alarms.
 */
export function brokenInvariants(federation: Federation): string[] {
  return [
    ...wrongSums(federation),
    ...twoOutcomes(federation),
    ...twoAnswers(federation),
    ...uncharged(federation),
  ];
}

/**
 * Alarms that crashes and lost connections alone can never cause: with honest machines each of
 * them is a defect. A late or repeated upload is rejected in the ordinary course of things.
 */
export function unexpectedAlarms({ observed }: Federation): string[] {
  const codes = observed.alarms.map(({ who, code }) => `${who}: ${code}`);
  return codes.filter((text) => !/upload-rejected|message-unverified/.test(text));
}

// I1: a result is the exact integer sum over its survivors, modulo 2^32.
function wrongSums({ observed }: Federation): string[] {
  return observed.results.flatMap(({ open, survivors, sum, slot }) => {
    const inputs = survivors.map((member) => observed.inputs.get(keyOf(open, member)));
    const exact = Array.from({ length: open.vec.length }, (_, e) =>
      inputs.reduce((total, words) => (total + (words?.[e] ?? Number.NaN)) | 0, 0),
    );
    const whole = inputs.every(Boolean) && exact.every((value, e) => value === sum[e]);
    return whole ? [] : [`I1: slot ${slot} has a wrong sum over ${survivors}`];
  });
}

// I3: a slot ends for every agent with one result of one set, or aborted, never both.
function twoOutcomes({ observed }: Federation): string[] {
  const ends = new Map<string, Set<string>>();
  for (const { closed } of observed.closed) {
    if (closed.outcome !== 'result' && closed.outcome !== 'aborted') continue;
    const key = `${hex(closed.open.epoch)}/${closed.slot}`;
    const end = closed.certified
      ? hex(closed.certified.certificate.survivors) + hex(closed.certified.certificate.root)
      : 'aborted';
    ends.set(key, (ends.get(key) ?? new Set()).add(end));
  }
  return [...ends].filter(([, set]) => set.size > 1).map(([key]) => `I3: slot ${key} ended twice`);
}

// I5: without rollback an agent never sends two different uploads, votes, reveals or bundles.
function twoAnswers({ observed }: Federation): string[] {
  const sizes = [
    ...[...observed.uploads].map(([key, set]) => [`upload/${key}`, set.size] as const),
    ...[...observed.sent].map(([key, set]) => [key, set.size] as const),
  ];
  return sizes.filter(([, size]) => size > 1).map(([key]) => `I5: ${key} was sent twice`);
}

// I12: what left was charged in the same transaction as its licence.
function uncharged({ observed }: Federation): string[] {
  const left = [...observed.uploads.keys()].filter((key) => !observed.charges.has(key));
  return left.map((key) => `I12: ${key} left without a charge`);
}
