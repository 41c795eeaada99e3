import { chargeIdOf } from '@tacit/privacy/budget/entry.ts';
import type { Position } from '@tacit/privacy/budget/position.ts';
import { fromHex, hex } from '@tacit/privacy/crypto/bytes.ts';
import { ed25519 } from '@tacit/privacy/crypto/ed25519.ts';
import { H, sha256 } from '@tacit/privacy/crypto/hash.ts';
import type { UploadLicence } from '@tacit/privacy/secagg/agent/event.ts';
import type { Envelope } from '@tacit/privacy/secagg/message.ts';
import type { RoundPurpose } from '@tacit/proto/plan/schedule.ts';
import { fromJsonBytes } from '@tacit/proto/store/json.ts';
import type { AdmittedPlan } from './admission.ts';

/** What an agent keeps of every contribution that left (PRODUCT.md section 1.5). */
export interface Receipt {
  readonly id: string;
  readonly runId: string;
  readonly round: number;
  readonly attempt: number;
  readonly purpose: RoundPurpose;
  readonly epoch: number;
  readonly slot: number;
  readonly recipient: string;
  readonly bytes: number;
  /** SHA-256 of the masked vector's bytes. */
  readonly sha256: string;
  /** Hash of the signed upload header. */
  readonly hdr: string;
  readonly layout: { readonly kind: string; readonly length: number; readonly ringBits: number };
  readonly clipNorm: number;
  /** Variance of this agent's own noise share, in grid units squared. */
  readonly noiseShareVariance: number;
  readonly floors: { readonly survivorsMin: number; readonly colluders: number };
  readonly planHash: string;
  readonly modelHash: string;
  readonly epsilon: {
    readonly before: number;
    readonly after: number;
    readonly delta: number;
    readonly unit: 'learner';
    readonly neighbours: 'zero-out';
    readonly accountant: 'rdp';
  };
  /** This agent's signature over hdr, and the key of the epoch it was made with. */
  readonly signature: string;
  /** The coordinator's signature over what it accepted; absent until it answered. */
  readonly acceptance?: string;
  readonly atMs: number;
}

/** The receipt of one upload, written in the transaction that licenses it. */
export function receiptOf(input: {
  licence: UploadLicence;
  admitted: AdmittedPlan;
  purpose: RoundPurpose;
  upload: { readonly envelope: Envelope; readonly body: Uint8Array };
  before: Position;
  after: Position;
  atMs: number;
}): Receipt {
  const { licence, admitted, purpose, upload, before, after } = input;
  const { open, slot, epochNumber: epoch } = licence;
  return {
    id: chargeIdOf({ runId: open.runId, epoch, slot }),
    runId: open.runId,
    round: open.round,
    attempt: open.attempt,
    purpose,
    epoch,
    slot,
    recipient: `coordinator of ${admitted.plan.federationId}`,
    bytes: upload.body.length,
    sha256: hex(sha256(upload.body)),
    hdr: hex(licence.hdr),
    layout: { ...open.vec },
    clipNorm: open.mechanism.clipNorm,
    noiseShareVariance: open.mechanism.shareVariance,
    floors: { survivorsMin: open.mechanism.nMin, colluders: open.mechanism.c },
    planHash: admitted.planHash,
    modelHash: hex(open.modelHash),
    epsilon: {
      before: before.spent.epsilon,
      after: after.spent.epsilon,
      delta: after.spent.delta,
      unit: 'learner',
      neighbours: 'zero-out',
      accountant: 'rdp',
    },
    signature: hex(upload.envelope.sig),
    atMs: input.atMs,
  };
}

/** Receipts as stored, oldest first. */
export function storedReceipts(entries: readonly [string, Uint8Array][]): Receipt[] {
  const receipts = entries.map(([, value]) => fromJsonBytes<Receipt>(value));
  return receipts.sort((a, b) => a.atMs - b.atMs);
}

/** Whether a coordinator key of the manifest signed the acceptance of this upload header. */
export function isAccepted(check: {
  readonly hdr: string;
  readonly signature: Uint8Array;
  readonly coordinatorKeys: readonly Uint8Array[];
}): boolean {
  const { signature } = check;
  const message = H('accepted', fromHex(check.hdr));
  return check.coordinatorKeys.some((publicKey) =>
    ed25519.verify({ publicKey, message, signature }),
  );
}
