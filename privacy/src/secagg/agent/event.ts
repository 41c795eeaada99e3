import type { Refusal } from '../../refusal.ts';
import type { Secret } from '../../secret.ts';
import type { Envelope, LedgerHead, RoundOpen, SurvivorCertificate } from '../message.ts';
import type { Put } from '../record.ts';

/** What the agent's machine is told. `atMs` is milliseconds since 1970 and never goes back. */
export type AgentEvent = { readonly atMs: number } & (
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'message'; readonly envelope: Envelope }
  /** Answers to `admit`, bound to the round asked about: slot numbers recur in every epoch. */
  | ({ readonly kind: 'admitted' } & AskedRound)
  | ({ readonly kind: 'refused'; readonly refusal: Refusal } & AskedRound)
  /** Answer to `contribute`: the integers with noise, without canaries. */
  | ({ readonly kind: 'encoded'; readonly words: Int32Array } & AskedRound)
  /** Answers to `upload`: the coordinator's signature over H("accepted", hdr), or a rejection. */
  | { readonly kind: 'accepted'; readonly slot: number; readonly acceptanceSig: Uint8Array }
  | { readonly kind: 'rejected'; readonly slot: number; readonly code: string }
  /** A charge became durable: report the ledger's new head. */
  | { readonly kind: 'ledger-head'; readonly head: LedgerHead }
  | { readonly kind: 'timeout' }
);

/** Which round an answer is about. An answer to another transcript is dropped. */
export interface AskedRound {
  readonly slot: number;
  readonly transcript: Uint8Array;
}

/** What the driver does next, strictly in order. */
export type AgentEffect =
  | { readonly kind: 'send'; readonly envelope: Envelope }
  /** One durable transaction, finished before any later effect of the list. */
  | { readonly kind: 'persist'; readonly puts: readonly Put[]; readonly licence?: UploadLicence }
  /** The protocol's checks passed: may this round run? Asked again after a restart. */
  | ({ readonly kind: 'admit'; readonly epochNumber: number } & SlotRound)
  | ({
      readonly kind: 'contribute';
      readonly sampleKey: Secret;
      readonly noise: NoiseMaterial;
    } & SlotRound)
  /** Send the header and the vector; repeated with the same bytes until accepted or rejected. */
  | {
      readonly kind: 'upload';
      readonly slot: number;
      readonly envelope: Envelope;
      readonly body: Uint8Array;
    }
  | Closed
  /** What the coordinator remembers of this agent's ledger. */
  | { readonly kind: 'ledger-head'; readonly head: LedgerHead }
  | { readonly kind: 'alarm'; readonly code: string; readonly facts: Refusal['facts'] };

/** One slot as its RoundOpen described it, with the transcript hash T that was pinned. */
export interface SlotRound {
  readonly slot: number;
  readonly open: RoundOpen;
  readonly transcript: Uint8Array;
}

/** Marks the transaction that licenses an upload: book the charge and the receipt in it. */
export interface UploadLicence extends SlotRound {
  readonly kind: 'upload';
  readonly epochNumber: number;
  /** The upload's header hash. */
  readonly hdr: Uint8Array;
}

/** Input of `noiseKeyOf`: may cross to a worker thread, hence no closure. */
export interface NoiseMaterial {
  readonly ikm: Secret;
  readonly transcript: Uint8Array;
}

/**
 * A slot ended. `aborted`: an abort certificate was verified, the charge may be released.
 * `certified`: q signatures were verified, so if `self` is among the survivors the charge may be
 * lowered to `honest` = |U| - c shares. `uploaded`: something left in this slot.
 */
export interface Closed extends SlotRound {
  readonly kind: 'closed';
  readonly epochNumber: number;
  readonly outcome: 'result' | 'aborted' | 'skipped' | 'burned';
  readonly uploaded: boolean;
  readonly certified?: Certified;
  readonly sumHash?: Uint8Array;
  /** Absent when it did not fit the message. */
  readonly sum?: Int32Array;
}

/** What a verified survivor certificate says about this agent. */
export interface Certified {
  readonly certificate: SurvivorCertificate;
  /** Positions in the manifest. */
  readonly survivors: readonly number[];
  readonly self: boolean;
  readonly honest: number;
}
