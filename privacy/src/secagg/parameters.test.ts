import { describe, expect, test } from 'vitest';
import { isRefusal } from '../refusal.ts';
import { deriveParameters, type Parameters } from './parameters.ts';

type Rule = Parameters_<typeof deriveParameters>;
type Parameters_<F> = F extends (rule: infer R, n: number) => unknown ? R : never;

function rule(N: number, change: Partial<Rule> = {}): Rule {
  return {
    gammaNum: 1,
    gammaDen: 3,
    deltaNum: 1,
    deltaDen: 3,
    kem: 'none',
    floors: { nMin: 3 },
    agents: Array.from({ length: N }, (_, i) => ({ organisation: `org-${i}` })),
    ...change,
  };
}

describe('the table of SECAGG.md section 1', () => {
  test.each([
    { n: 3, c: 1, q: 3, nMin: 3, D: 0 },
    { n: 4, c: 1, q: 3, nMin: 3, D: 1 },
    { n: 5, c: 1, q: 4, nMin: 4, D: 1 },
    { n: 6, c: 1, q: 4, nMin: 4, D: 2 },
    { n: 6, c: 2, q: 5, nMin: 5, D: 1 },
    { n: 7, c: 2, q: 5, nMin: 5, D: 2 },
    { n: 8, c: 2, q: 6, nMin: 6, D: 2 },
    { n: 9, c: 3, q: 7, nMin: 7, D: 2 },
    { n: 10, c: 3, q: 7, nMin: 7, D: 3 },
    { n: 16, c: 5, q: 11, nMin: 11, D: 5 },
  ])('n = $n, c = $c', (row) => {
    const { n, q } = row;
    const derived = deriveParameters(rule(n, { c: row.c }), n);
    expect(derived).toEqual({ ...row, L: n, t: q, k: n - 1, a: n, kem: 'none' });
  });

  test('c is floor(gamma N) but at least 1, and is not recomputed from a smaller roster', () => {
    expect(deriveParameters(rule(3), 3)).toMatchObject({ c: 1 });
    expect(deriveParameters(rule(12), 9)).toMatchObject({ c: 4 });
  });
});

test('for every (n, c): q <= n - D <= nMin, t > c, 2t > n + c, two certificates share > c', () => {
  for (let N = 3; N <= 64; N++) {
    for (let c = 1; c <= N - 2; c++) {
      for (let n = 3; n <= N; n++) {
        const p = deriveParameters(rule(N, { c, dEpoch: N - n }), n);
        if (isRefusal(p)) continue;
        const sound = (x: Parameters) =>
          x.q <= n - x.D && n - x.D <= x.nMin && x.nMin <= n && x.t > c && 2 * x.t > n + c;
        expect(sound(p), JSON.stringify(p)).toBe(true);
        expect(2 * p.q - n).toBeGreaterThan(c);
        expect(p.nMin - c).toBeGreaterThanOrEqual(2);
      }
    }
  }
});

test.each<[string, [Rule, number], string]>([
  ['two agents', [rule(2), 2], 'roster-small'],
  ['fewer than N - D_epoch', [rule(10), 6], 'roster-small'],
  ['no honest pair left', [rule(4, { c: 3 }), 4], 'roster-small'],
  ['more than the complete graph holds', [rule(65), 65], 'roster-large'],
  ['a floor above the roster', [rule(5, { floors: { nMin: 6 } }), 5], 'survivors-impossible'],
  ['a fraction of one', [rule(5, { deltaNum: 3 }), 5], 'fraction-invalid'],
  ['a fraction that is no integer', [rule(5, { gammaNum: 0.5 }), 5], 'fraction-invalid'],
  ['c of zero', [rule(5, { c: 0 }), 5], 'fraction-invalid'],
  [
    'an organisation above c',
    [rule(6, { agents: Array(6).fill({ organisation: 'one' }) }), 6],
    'organisation-large',
  ],
])('refuses %s', (_, [weak, n], code) => {
  expect(deriveParameters(weak, n)).toMatchObject({ refused: code });
});
