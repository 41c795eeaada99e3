import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../secret.ts';
import { equalBytes, f64, fromHex, hex, u32, u64 } from './bytes.ts';
import { ed25519 } from './ed25519.ts';
import { identityFromPrivateKey, verifyIdentity } from './identity.ts';
import { mlKem768 } from './ml-kem.ts';
import { keystream, Prg } from './prg.ts';
import { seal, unseal } from './seal.ts';
import { combine, split, weightsAtZero } from './shamir.ts';

const key = new Uint8Array(32).fill(7);

describe('bytes', () => {
  test('integers are big-endian and refuse what does not fit', () => {
    expect(hex(u32(0x01020304))).toBe('01020304');
    expect(hex(u32(0xffffffff))).toBe('ffffffff');
    expect(hex(u64(2n ** 64n - 1n))).toBe('ffffffffffffffff');
    expect(hex(f64(1))).toBe('3ff0000000000000');
    for (const bad of [-1, 0.5, 2 ** 32, Number.NaN]) expect(() => u32(bad)).toThrow(RangeError);
    for (const bad of [-1n, 2n ** 64n, 2 ** 60]) expect(() => u64(bad)).toThrow(RangeError);
    expect(() => f64(Number.NaN)).toThrow(RangeError);
  });

  test('hex round trip', () => {
    fc.assert(fc.property(fc.uint8Array(), (b) => equalBytes(fromHex(hex(b)), b)));
    for (const bad of ['0', 'zz', '0x00']) expect(() => fromHex(bad)).toThrow(RangeError);
  });
});

describe('prg', () => {
  test('reads in pieces, at once and by position agree', () => {
    const whole = new Prg(key).bytes(200_000);
    fc.assert(
      fc.property(fc.nat(150_000), fc.nat(40_000), (start, length) => {
        expect(
          equalBytes(keystream(key, start, length), whole.subarray(start, start + length)),
        ).toBe(true);
      }),
      { numRuns: 30 },
    );
    const pieces = new Prg(key);
    for (let at = 0, size = 1; at < 150_000; at += size, size = (size * 7 + 3) % 9000) {
      const same = equalBytes(pieces.bytes(size), whole.subarray(at, at + size));
      expect(same, `${size} bytes at ${at}`).toBe(true);
    }
  });

  test('a key of another length is refused', () => {
    expect(() => new Prg(new Uint8Array(16))).toThrow(RangeError);
  });
});

test('a sealed text opens only with its key, data and tag', () => {
  const text = new Uint8Array([1, 2, 3]);
  const aad = new Uint8Array([9]);
  const sealed = seal({ key, aad, text });
  expect(unseal({ key, aad, text: sealed })).toEqual(text);
  expect(unseal({ key, aad: text, text: sealed })).toBeUndefined();
  expect(unseal({ key: new Uint8Array(32), aad, text: sealed })).toBeUndefined();
  for (let i = 0; i < sealed.length; i++) {
    const broken = sealed.slice();
    broken[i]! ^= 1;
    expect(unseal({ key, aad, text: broken })).toBeUndefined();
    expect(unseal({ key, aad, text: sealed.subarray(0, i) })).toBeUndefined();
  }
});

test('any t shares give the secret, t - 1 do not', () => {
  const cases = fc
    .integer({ min: 2, max: 20 })
    .chain((t) => fc.tuple(fc.constant(t), fc.integer({ min: t, max: 40 })))
    .chain(([t, holders]) =>
      fc.record({
        t: fc.constant(t),
        holders: fc.constant(holders),
        secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
        order: fc.shuffledSubarray([...Array(holders).keys()], { minLength: t, maxLength: t }),
      }),
    );
  fc.assert(
    fc.property(cases, ({ t, holders, secret, order }) => {
      const shares = split({ secret, holders, threshold: t, coeffSeed: key });
      const of = (some: number[]) =>
        combine(
          some.map((p) => shares[p]!),
          weightsAtZero(some),
        );
      expect(of(order)).toEqual(secret);
      if (t > 2) expect(equalBytes(of(order.slice(1)), secret)).toBe(false);
    }),
  );
  expect(() => weightsAtZero([1, 1])).toThrow(RangeError);
});

test('identity keys of every admitted kind sign, and no other kind verifies', () => {
  const message = new Uint8Array(32).fill(3);
  const der = { format: 'der', type: 'pkcs8' } as const;
  const pairs = [
    generateKeyPairSync('ed25519'),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ];
  for (const { privateKey } of pairs) {
    const identity = identityFromPrivateKey(new Uint8Array(privateKey.export(der)));
    const signature = identity.sign(message);
    const { spki } = identity;
    expect(verifyIdentity({ spki, message, signature })).toBe(true);
    expect(verifyIdentity({ spki, message: key, signature })).toBe(false);
    signature[5]! ^= 1;
    expect(verifyIdentity({ spki, message, signature })).toBe(false);
  }
  const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export(der);
  expect(() => identityFromPrivateKey(new Uint8Array(other))).toThrow('identity key');
});

test('ML-KEM agrees, and rejects a tampered ciphertext with another key', () => {
  const { publicKey, privateKey } = mlKem768.generate();
  const { sharedKey, ciphertext } = mlKem768.encapsulate(publicKey);
  expect([publicKey.length, ciphertext.length, sharedKey.length]).toEqual([1184, 1088, 32]);
  expect(mlKem768.decapsulate(privateKey, ciphertext)).toEqual(sharedKey);
  ciphertext[0]! ^= 1;
  expect(mlKem768.decapsulate(privateKey, ciphertext)).not.toEqual(sharedKey);
});

test('malformed Ed25519 keys and signatures are false, not errors', () => {
  const signature = ed25519.sign(key, key);
  const publicKey = ed25519.publicKey(key);
  expect(ed25519.verify({ publicKey, message: key, signature })).toBe(true);
  for (const bad of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(32).fill(255)]) {
    expect(ed25519.verify({ publicKey: bad, message: key, signature })).toBe(false);
    expect(ed25519.verify({ publicKey, message: key, signature: bad })).toBe(false);
  }
});

test('a secret does not print', () => {
  const secret = new Secret(key);
  const printed = [String(secret), JSON.stringify({ secret }), inspect({ secret }), `${secret}`];
  for (const text of printed) expect(text).toMatch(/\[secret\]/);
  expect(secret.reveal()).toBe(key);
});
