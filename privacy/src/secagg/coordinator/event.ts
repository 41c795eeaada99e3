import type { Refusal } from '../../refusal.ts';
import type { Envelope, RoundOpen, SurvivorCertificate } from '../message.ts';
import type { Put } from '../record.ts';

/** The part of a RoundOpen that the run decides; the machine adds slot and participants. */
export type RoundWanted = Pick<
  RoundOpen,
  'runId' | 'round' | 'attempt' | 'modelHash' | 'planHash' | 'mechanism' | 'vec'
>;

/**
 * What the coordinator's machine is told. `member` is a position in the manifest, taken from the
 * authenticated connection. `atMs` is milliseconds since 1970 and never goes back.
 */
export type CoordinatorEvent = { readonly atMs: number } & (
  | { readonly kind: 'connected'; readonly member: number }
  | { readonly kind: 'disconnected'; readonly member: number }
  | { readonly kind: 'message'; readonly member: number; readonly envelope: Envelope }
  | { readonly kind: 'open'; readonly round: RoundWanted }
  /** A batch of complete uploads; the driver has checked length and SHA-256 of each body. */
  | { readonly kind: 'uploaded'; readonly uploads: readonly Uploaded[] }
  | { readonly kind: 'timeout' }
);

/** One complete upload, as the driver received it. */
export interface Uploaded {
  readonly member: number;
  /** Type Upload. */
  readonly envelope: Envelope;
  /** y, little-endian words; 4-byte alignment is not needed. */
  readonly body: Uint8Array;
}

/** What the driver does next, strictly in order. Numbers of agents are manifest positions. */
export type CoordinatorEffect =
  | { readonly kind: 'send'; readonly to: number; readonly envelope: Envelope }
  | { readonly kind: 'persist'; readonly puts: readonly Put[] }
  /** Answer the upload: `acceptance` is the signature over H("accepted", hdr). */
  | {
      readonly kind: 'accept';
      readonly member: number;
      readonly slot: number;
      readonly acceptance: Uint8Array;
    }
  /** `late`: signature over H("late", hdr), only with code 'upload-late'. */
  | {
      readonly kind: 'reject';
      readonly member: number;
      readonly slot: number;
      readonly code: string;
      readonly late?: Uint8Array;
    }
  /** Enough agents hold keys and bundles; repeated as more become ready. */
  | {
      readonly kind: 'epoch-ready';
      readonly epochNumber: number;
      readonly roster: number[];
      readonly ready: number[];
    }
  | {
      readonly kind: 'slot-opened';
      readonly slot: number;
      readonly open: RoundOpen;
      readonly participants: number[];
    }
  /** The `open` event was refused: `survivors-impossible`, `slot-open`, `epoch-missing`. */
  | { readonly kind: 'open-refused'; readonly round: RoundWanted; readonly refusal: Refusal }
  | SlotResult
  | SlotFailed
  /** An agent refused a slot; `facts` name its highest numbers. */
  | {
      readonly kind: 'refused';
      readonly member: number;
      readonly slot: number;
      readonly refusal: Refusal;
    }
  | { readonly kind: 'alarm'; readonly code: string; readonly facts: Refusal['facts'] };

/** A slot came to its end with a sum. */
export interface SlotResult {
  readonly kind: 'result';
  readonly slot: number;
  readonly open: RoundOpen;
  /** Centred to [-2^31, 2^31), canaries stripped. */
  readonly sum: Int32Array;
  readonly survivors: number[];
  readonly certificate: SurvivorCertificate;
}

/** The slot is burned. `aborted`: an abort certificate exists, so agents may release charges. */
export interface SlotFailed {
  readonly kind: 'failed';
  readonly slot: number;
  readonly open: RoundOpen;
  readonly code:
    | 'survivors-below-floor'
    | 'acks-below-quorum'
    | 'shares-below-threshold'
    | 'sum-garbled'
    | 'restarted';
  readonly aborted: boolean;
  readonly facts: Refusal['facts'];
}
