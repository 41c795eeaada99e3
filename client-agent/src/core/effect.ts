import type { Refusal } from '@tacit/privacy/refusal.ts';
import type {
  AgentEffect,
  AgentEvent,
  AskedRound,
  NoiseMaterial,
} from '@tacit/privacy/secagg/agent/event.ts';
import type { Secret } from '@tacit/privacy/secret.ts';
import type { CompiledPlan } from '@tacit/proto/plan/compiled-plan.ts';
import type { RoundPurpose } from '@tacit/proto/plan/schedule.ts';
import type { Commit } from '@tacit/proto/store/batch.ts';

/** What the agent's core is told. Protocol events pass through to the protocol's machine. */
export type CoreEvent =
  | Exclude<AgentEvent, { kind: 'admitted' | 'refused' | 'encoded' | 'ledger-head' }>
  | ({ readonly atMs: number } & (
      | { readonly kind: 'plan'; readonly planHash: string; readonly bytes: Uint8Array }
      /** `wanted` is the hash asked for; empty: the newest of the run. */
      | { readonly kind: 'model'; readonly wanted: string; readonly model: FetchedModel }
      | { readonly kind: 'fetch-failed'; readonly wanted: string; readonly refusal: Refusal }
      | ({ readonly kind: 'trained'; readonly words: Int32Array } & AskedRound)
      | ({ readonly kind: 'train-failed'; readonly refusal: Refusal } & AskedRound)
      /** The coordinator says that a run is over: what it set aside may be freed. */
      | { readonly kind: 'run-over'; readonly runId: string }
    ));

/** A model version as it arrived: the signed record and the bytes it speaks of. */
export interface FetchedModel {
  /** Exact bytes of the record, and the coordinator's signature over them. */
  readonly record: Uint8Array;
  readonly signature: Uint8Array;
  readonly bytes: Uint8Array;
}

/** The learners' part of one round, done where the data is: in the trainer. */
export interface TrainingTask {
  readonly slot: number;
  readonly purpose: RoundPurpose;
  readonly plan: CompiledPlan;
  readonly planHash: string;
  readonly rateThreshold: number;
  readonly modelBytes: Uint8Array;
  readonly sampleKey: Secret;
  readonly noise: NoiseMaterial;
}

/** What the driver does next, strictly in order. */
export type CoreEffect =
  | Commit
  | Extract<AgentEffect, { kind: 'send' | 'upload' | 'alarm' }>
  | { readonly kind: 'fetch-plan'; readonly planHash: string }
  /** A slot's keys were deleted: see to it that they are gone from disk. */
  | { readonly kind: 'forget' }
  /** Fetch a version by hash, or the newest of the run when the hash is left out. */
  | { readonly kind: 'fetch-model'; readonly runId: string; readonly modelHash?: string }
  /** Ask whether a run with an open reservation is over. */
  | { readonly kind: 'ask-run'; readonly runId: string }
  | { readonly kind: 'train'; readonly task: TrainingTask }
  /** One line for the log of this business unit. */
  | { readonly kind: 'note'; readonly text: string; readonly facts: Refusal['facts'] };

/** Tables of the agent's store. */
export const agentTables = ['protocol', 'ledger', 'receipt', 'plan', 'model', 'meta'] as const;
