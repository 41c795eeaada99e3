import { refuse } from '../../refusal.ts';
import type { Codec } from '../port.ts';
import { packRecord, unpackRecord } from '../record.ts';

/** Messages as packed records: enough for tests that never leave the process. */
export const recordCodec: Codec = {
  encode: (type, value) => packRecord({ type, value }),
  decode: (type, bytes) => {
    try {
      const read = unpackRecord<{ type: string; value: never }>(bytes);
      return read.type === type ? read.value : refuse('type-differs', { type });
    } catch {
      return refuse('malformed', { type });
    }
  },
};
