import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packRecord, type Recordable, unpackRecord } from './record.ts';

const { value } = fc.letrec<{ value: Recordable }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(fc.string(), tie('value'), { noNullPrototype: true }),
  ),
}));

test('unpacking gives back what was packed', () => {
  fc.assert(
    fc.property(value, (v) => {
      expect(unpackRecord(packRecord(v))).toStrictEqual(v);
    }),
  );
});

test('a record cut anywhere, or with a byte too many, is no record', () => {
  const bytes = packRecord({ a: [1, 'two', new Uint8Array([3])], b: null });
  for (let end = 0; end < bytes.length; end++) {
    expect(() => unpackRecord(bytes.subarray(0, end))).toThrow();
  }
  expect(() => unpackRecord(new Uint8Array([...bytes, 0]))).toThrow('left over');
});
