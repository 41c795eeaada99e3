import { Prg } from './prg.ts';

/**
 * Shares of a secret over GF(2^8) mod 0x11b, byte by byte (SECAGG.md section 2): the share of
 * position p is the polynomial at x = p + 1. The coefficient of x^(j+1) for byte i is byte
 * i(t-1)+j of PRG(coeffSeed), so equal seeds give equal shares.
 */
export function split(input: {
  secret: Uint8Array;
  holders: number;
  threshold: number;
  coeffSeed: Uint8Array;
}): Uint8Array[] {
  const { secret, holders, threshold } = input;
  if (!(threshold >= 2 && threshold <= holders && holders <= 255)) {
    throw new RangeError(`threshold ${threshold} of ${holders} holders`);
  }
  const degree = threshold - 1;
  const coefficients = new Prg(input.coeffSeed).bytes(secret.length * degree);
  return Array.from({ length: holders }, (_, position) => {
    const share = new Uint8Array(secret.length);
    for (let i = 0; i < secret.length; i++) {
      let value = 0;
      for (let j = degree - 1; j >= 0; j--) {
        value = multiply(value ^ coefficients[i * degree + j]!, position + 1);
      }
      share[i] = value ^ secret[i]!;
    }
    return share;
  });
}

/**
 * Lagrange weights at 0 for distinct holder positions, in their order. They depend on nothing
 * else, so secrets shared with the same holders use them again.
 */
export function weightsAtZero(positions: readonly number[]): Uint8Array {
  if (new Set(positions).size !== positions.length) throw new RangeError('position twice');
  return Uint8Array.from(positions, (position) => {
    let weight = 1;
    for (const other of positions) {
      if (other === position) continue;
      weight = multiply(weight, divide(other + 1, (other + 1) ^ (position + 1)));
    }
    return weight;
  });
}

/** The secret from shares of equal length, in the order of the weights' positions. */
export function combine(shares: readonly Uint8Array[], weights: Uint8Array): Uint8Array {
  if (shares.length !== weights.length || shares.length === 0) {
    throw new RangeError(`${shares.length} shares, ${weights.length} weights`);
  }
  const secret = new Uint8Array(shares[0]!.length);
  shares.forEach((share, k) => {
    for (let i = 0; i < secret.length; i++) secret[i]! ^= multiply(share[i]!, weights[k]!);
  });
  return secret;
}

const EXP = new Uint8Array(510);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power++) {
  EXP[power] = value;
  EXP[power + 255] = value;
  LOG[value] = power;
  // 3 generates the multiplicative group.
  value ^= (value << 1) ^ (value & 0x80 ? 0x11b : 0);
}

function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : EXP[LOG[a]! + LOG[b]!]!;
}

function divide(a: number, b: number): number {
  return a === 0 ? 0 : EXP[LOG[a]! + 255 - LOG[b]!]!;
}
