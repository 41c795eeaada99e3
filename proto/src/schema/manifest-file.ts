import { z } from 'zod';

const hex32 = z.string().regex(/^[0-9a-f]{64}$/, '32 bytes in lower-case hex');
const fraction = z.tuple([z.int().min(0), z.int().min(1).max(1_000_000)]);

/** One member: who it is, who runs it, which key speaks for it, and its declared learners. */
const member = z.strictObject({
  agentId: z.string().regex(/^spiffe:\/\/[a-z0-9.-]+\/region\/[a-z0-9-]+\/bu\/[a-z0-9-]+$/),
  bu: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  organisation: z.string().min(1),
  /** SHA-256 of the identity public key (SPKI). */
  identityKeyHash: hex32,
  /** Declared, rounded learner counts: public constants; the true counts never leave. */
  declaredLearners: z.strictObject({
    training: z.int().min(1),
    heldOut: z.int().min(1),
  }),
});

/**
 * The signed list of a federation (SECAGG.md section 3), as JSON. The signature covers the exact
 * bytes of the file, so it is never re-serialised.
 */
export const manifestFile = z.strictObject({
  apiVersion: z.literal('tacit/v1'),
  kind: z.literal('Manifest'),
  federationId: z.string().regex(/^[a-z0-9.-]+$/),
  version: z.int().min(1),
  /** Seconds since 1970. */
  validity: z.strictObject({ notBefore: z.int().min(0), notAfter: z.int().min(1) }),
  /** Ed25519 public keys (raw, hex) that sign as this federation's coordinator. */
  coordinatorKeys: z.array(hex32).min(1),
  /** Fraction of agents that may collude, and fraction that may miss a sum, as two integers. */
  gamma: fraction.default([1, 3]),
  delta: fraction.default([1, 3]),
  /** Colluding agents tolerated, absolute; derived from gamma when left out. */
  colluders: z.int().min(1).optional(),
  /** Agents that may miss an epoch; derived from delta when left out. */
  absentFromEpochMax: z.int().min(0).optional(),
  /** Fewest survivors, and least variance of one agent's noise share in grid units. */
  floors: z.strictObject({
    survivorsMin: z.int().min(3),
    shareVariance: z.number().min(16).default(16),
  }),
  kem: z.enum(['ml-kem-768', 'none']),
  bundleStock: z.int().min(2).max(64).default(8),
  slotsPerEpoch: z.int().min(16).max(65_536).default(256),
  agents: z.array(member).min(3).max(64),
});

/** See `manifestFile`. */
export type ManifestFile = z.infer<typeof manifestFile>;
