import { z } from 'zod';
import { jsonBytes } from '../store/json.ts';
import { authoredPlan } from './authored-plan.ts';

const hex32 = z.string().regex(/^[0-9a-f]{64}$/, '32 bytes in lower-case hex');
const name = z.string().min(1).max(64);

const feature = z.discriminatedUnion('transform', [
  z.strictObject({
    name,
    field: name,
    transform: z.enum(['linear', 'log']),
    lower: z.number(),
    upper: z.number(),
    whenMissing: z.number().optional(),
  }),
  z.strictObject({ name, field: name, transform: z.literal('level'), level: z.string() }),
  z.strictObject({ name, field: name, transform: z.literal('missing') }),
]);

const headBase = {
  name,
  standsFor: z.enum(['outcome', 'retention', 'engagement', 'gain', 'transfer']),
  horizon: z.string(),
  field: name,
};

const head = z.discriminatedUnion('label', [
  z.strictObject({ ...headBase, label: z.literal('flag') }),
  z.strictObject({ ...headBase, label: z.literal('at-least'), threshold: z.number() }),
  z.strictObject({ ...headBase, label: z.literal('one-of'), levels: z.array(z.string()).min(1) }),
]);

const contract = z.strictObject({
  id: name,
  version: z.int().min(1),
  learnerField: name,
  features: z.array(feature).min(1).max(4096),
  heads: z.array(head).min(1).max(16),
  rowsPerLearnerMax: z.int().min(1).max(6),
});

/** The numbers the mechanism of one kind of sum is compiled from; see `compileMechanism`. */
const mechanism = z.strictObject({
  pipeline: z.enum(['reference-nearest/v1', 'counts/v1']),
  dimension: z.int().min(1).max(50_000_000),
  clipNorm: z.number().positive(),
  deltaGrid: z.int().positive(),
  noiseMultiplier: z.number().positive(),
  survivorsMin: z.int().min(3),
  colluders: z.int().min(1),
  ringBits: z.literal(32),
  rosterSize: z.int().min(3),
  learnersPerSumMax: z.int().min(1),
});

/** What one business unit does in the run: all of it public constants. */
const participant = z.strictObject({
  agentId: z.string(),
  bu: name,
  /** Sampling rate as an integer over 2^32; exact on every machine. */
  rateThreshold: z
    .int()
    .min(1)
    .max(2 ** 32),
  declaredTraining: z.int().min(1),
  declaredHeldOut: z.int().min(1),
});

/**
 * A plan with everything derived: what is hashed, what agents check and what a run executes. One
 * plan is one run. Agents recompute every epsilon from these numbers; they never trust one.
 */
export const compiledPlan = z.strictObject({
  apiVersion: z.literal('tacit/v1'),
  kind: z.literal('CompiledPlan'),
  runId: z.string().regex(/^R-[0-9a-z-]+$/),
  federationId: z.string(),
  manifestHash: hex32,
  authored: authoredPlan,
  contract,
  split: z.strictObject({ salt: z.string().min(1), trainPercent: z.int().min(1).max(99) }),
  training: mechanism,
  evaluation: mechanism,
  /** The fixed public number a training sum is divided by: expected learners drawn. */
  denominator: z.number().positive(),
  initialModelHash: hex32,
  participants: z.array(participant).min(3).max(64),
});

/** See `compiledPlan`. */
export type CompiledPlan = z.infer<typeof compiledPlan>;

/** See `mechanism`: the spec of one kind of private sum. */
export type PlanMechanism = CompiledPlan['training'];

/** Bytes of a compiled plan: their SHA-256 is the plan hash. Written once, never re-serialised. */
export function planBytes(plan: CompiledPlan): Uint8Array {
  return jsonBytes(plan);
}
