import type { Refusal } from '@tacit/privacy/refusal.ts';
import type { CoordinatorEffect } from '@tacit/privacy/secagg/coordinator/event.ts';
import type { Commit } from '@tacit/proto/store/batch.ts';
import type { Evaluation } from './evaluation.ts';
import type { RoundRecord, RunStatus } from './run.ts';

/** What the driver does next, strictly in order. */
export type CoreEffect =
  | Commit
  | Extract<CoordinatorEffect, { kind: 'send' | 'accept' | 'reject' | 'alarm' }>
  /** Something a person watching a run wants to know. */
  | { readonly kind: 'run-event'; readonly runId: string; readonly event: RunEvent };

/** One line of `tacit run watch`: states and released figures only. */
export type RunEvent =
  | { readonly type: 'state'; readonly status: RunStatus; readonly failure?: Refusal }
  | {
      readonly type: 'round';
      readonly of: number;
      readonly version: number;
      readonly participants: number;
      readonly record: RoundRecord;
    }
  | { readonly type: 'evaluation'; readonly evaluation: Evaluation }
  | {
      readonly type: 'slot-failed';
      readonly round: number;
      readonly attempt: number;
      readonly code: string;
      /** Whether agents hold the certificate that returns their charges. */
      readonly chargesReturned: boolean;
    }
  | { readonly type: 'waiting'; readonly code: string; readonly facts: Refusal['facts'] };

/** Tables of the coordinator's store. */
export const coordinatorTables = [
  'protocol',
  'run',
  'run_numbers',
  'run_event',
  'proposal',
  'blob',
  'model_version',
] as const;
