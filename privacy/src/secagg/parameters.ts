import { u32, utf8 } from '../crypto/bytes.ts';
import { H } from '../crypto/hash.ts';
import { type Refusal, refuse } from '../refusal.ts';
import type { Manifest } from './manifest.ts';

/** Largest roster with a complete graph and everyone a holder. */
export const COMPLETE_MAX = 64;

/** Everything section 1 of SECAGG.md derives for a roster of n of the manifest's N agents. */
export interface Parameters {
  readonly n: number;
  /** Colluding agents tolerated. */
  readonly c: number;
  /** Agents that may miss a sum. */
  readonly D: number;
  /** Fewest survivors. */
  readonly nMin: number;
  /** Signatures of a certificate. */
  readonly q: number;
  /** Holders and Shamir threshold. */
  readonly L: number;
  readonly t: number;
  /** Degree of the mask graph; neighbours a survivor may miss. */
  readonly k: number;
  readonly a: number;
  readonly kem: Manifest['kem'];
}

type Rule = Pick<
  Manifest,
  'gammaNum' | 'gammaDen' | 'deltaNum' | 'deltaDen' | 'c' | 'dEpoch' | 'kem'
> & {
  readonly agents: readonly { readonly organisation: string }[];
  readonly floors: { readonly nMin: number };
};

/**
 * Parameters of an epoch with n agents, or a refusal (`roster-small`, `roster-large`,
 * `organisation-large`, `fraction-invalid`, `survivors-impossible`). The fractions are integers,
 * so every floor is exact.
 */
export function deriveParameters(rule: Rule, n: number): Parameters | Refusal {
  const N = rule.agents.length;
  const bad = checkFractions(rule);
  if (bad) return bad;
  const c = colluders(rule);
  const largest = largestOrganisation(rule);
  if (largest > c) return refuse('organisation-large', { largest, c });
  const fewest = Math.max(3, c + 2, N - epochAbsences(rule));
  if (n < fewest || n > N) return refuse('roster-small', { n, N, fewest });
  if (n > COMPLETE_MAX) return refuse('roster-large', { n, most: COMPLETE_MAX });
  const q = Math.floor((n + c) / 2) + 1;
  const D = Math.min(floorOf(rule.deltaNum, rule.deltaDen, n), n - q);
  const nMin = Math.max(3, c + 2, n - D, rule.floors.nMin);
  if (D < 0 || nMin > n) return refuse('survivors-impossible', { n, nMin, q });
  return { n, c, D, nMin, q, L: n, t: q, k: n - 1, a: n, kem: rule.kem };
}

/** c of the manifest: absolute, never recomputed from a smaller roster. */
export function colluders(rule: Rule): number {
  return rule.c ?? Math.max(1, floorOf(rule.gammaNum, rule.gammaDen, rule.agents.length));
}

/** D_epoch: agents that may miss an epoch. */
export function epochAbsences(rule: Rule): number {
  return rule.dEpoch ?? floorOf(rule.deltaNum, rule.deltaDen, rule.agents.length);
}

/** `paramsHash` of section 4. */
export function parametersHash(p: Parameters): Uint8Array {
  const numbers = [p.n, p.c, p.D, p.nMin, p.q, p.L, p.t, p.k, p.a];
  return H('params', ...numbers.map(u32), utf8(p.kem));
}

function checkFractions(rule: Rule): Refusal | undefined {
  const { gammaNum, gammaDen, deltaNum, deltaDen } = rule;
  for (const [num, den] of [
    [gammaNum, gammaDen],
    [deltaNum, deltaDen],
  ] as const) {
    if (![num, den].every(Number.isSafeInteger) || num < 0 || den < 1 || num >= den) {
      return refuse('fraction-invalid', { num, den });
    }
  }
  const c = colluders(rule);
  if (!Number.isInteger(c) || c < 1) return refuse('fraction-invalid', { c });
  const dEpoch = epochAbsences(rule);
  if (!Number.isInteger(dEpoch) || dEpoch < 0) return refuse('fraction-invalid', { dEpoch });
  return undefined;
}

function largestOrganisation(rule: Rule): number {
  const sizes = new Map<string, number>();
  for (const { organisation } of rule.agents) {
    sizes.set(organisation, (sizes.get(organisation) ?? 0) + 1);
  }
  return Math.max(0, ...sizes.values());
}

function floorOf(num: number, den: number, of: number): number {
  return Number((BigInt(num) * BigInt(of)) / BigInt(den));
}
