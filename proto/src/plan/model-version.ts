import { z } from 'zod';

const hex32 = z.string().regex(/^[0-9a-f]{64}$/, '32 bytes in lower-case hex');

/**
 * What the coordinator signs about one model: which bytes, made by which run from which parent.
 * Versions of a run count the training rounds behind them; an agent never goes back.
 */
export const modelVersion = z.strictObject({
  apiVersion: z.literal('tacit/v1'),
  kind: z.literal('ModelVersion'),
  federationId: z.string(),
  runId: z.string(),
  version: z.int().min(0),
  modelHash: hex32,
  /** Hash of the model this one was stepped from; its own for version 0. */
  parentHash: hex32,
  planHash: hex32,
});

/** See `modelVersion`. */
export type ModelVersion = z.infer<typeof modelVersion>;
