import type { Charter } from '@tacit/privacy/budget/charter.ts';
import type { BuPolicy } from '@tacit/privacy/budget/policy.ts';
import type { LedgerState } from '@tacit/privacy/budget/state.ts';
import { fromHex, hex } from '@tacit/privacy/crypto/bytes.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type {
  AgentEffect,
  AgentEvent,
  AskedRound,
  Closed,
  SlotRound,
  UploadLicence,
} from '@tacit/privacy/secagg/agent/event.ts';
import type { LedgerHead } from '@tacit/privacy/secagg/message.ts';
import { rateOf } from '@tacit/proto/plan/mechanisms.ts';
import type { SignedManifest } from '@tacit/proto/schema/manifest.ts';
import { Batch, type Commit } from '@tacit/proto/store/batch.ts';
import { jsonBytes } from '@tacit/proto/store/json.ts';
import type { Write } from '@tacit/proto/store/tables.ts';
import { type AdmittedPlan, admitPlan, checkRound } from './admission.ts';
import type { CoreEffect, CoreEvent, FetchedModel } from './effect.ts';
import { certificateDigest, LedgerBook, type SlotName } from './ledger-book.ts';
import { type HeldModel, modelWrites, verifyModel } from './model-store.ts';
import { isAccepted, type Receipt, receiptOf } from './receipt.ts';

/** The protocol's machine, as this core uses it. */
export interface ProtocolMachine {
  handle(event: AgentEvent): AgentEffect[];
  deadline(): { readonly atMs: number; readonly reason: string } | undefined;
}

/** What an agent is started with: its own files, and what its store held. */
export interface AgentOptions {
  readonly machine: ProtocolMachine;
  readonly agentId: string;
  readonly manifest: SignedManifest;
  readonly policy: BuPolicy | undefined;
  readonly charter: Charter | undefined;
  readonly ledger: LedgerState;
  readonly plans: ReadonlyMap<string, Uint8Array>;
  readonly models: ReadonlyMap<string, HeldModel>;
  /** Hash of a stored ledger line, counted from 1; undefined when there is none. */
  readonly ledgerHashAt: (count: number) => string | undefined;
  /** Set when an earlier process found the ledger behind its head. */
  readonly ledgerBehind: Refusal | undefined;
  /** Receipts the coordinator has not acknowledged yet. */
  readonly openReceipts: readonly Receipt[];
}

type AskedAdmission = Extract<AgentEffect, { kind: 'admit' }>;

type EffectBatch = Batch<Exclude<CoreEffect, Commit>>;

/**
 * One business unit's agent without I/O: consent, ledger, receipts and models around the protocol's
 * machine. Nothing trains before the budget is reserved; nothing leaves before it is charged.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #ledger: LedgerBook;
  readonly #plans = new Map<string, AdmittedPlan>();
  readonly #planBytes: Map<string, Uint8Array>;
  readonly #models: Map<string, HeldModel>;
  /** Rounds whose plan or model is still on its way, by slot. */
  readonly #waiting = new Map<number, AskedAdmission>();
  /** Receipts without the coordinator's acknowledgement, by slot. */
  readonly #openReceipts: Map<number, Receipt>;
  /** Set when the coordinator holds a later head of this ledger than this store does. */
  #behind: Refusal | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#ledger = new LedgerBook(options.ledger);
    this.#behind = options.ledgerBehind;
    this.#planBytes = new Map(options.plans);
    this.#models = new Map(options.models);
    this.#openReceipts = new Map(options.openReceipts.map((receipt) => [receipt.slot, receipt]));
  }

  /** Opens the period's accounts when there is a policy. Call once, before the first event. */
  start(atMs: number): CoreEffect[] {
    const batch: EffectBatch = new Batch();
    this.#openAccounts(batch, atMs);
    return batch.effects();
  }

  handle(event: CoreEvent): CoreEffect[] {
    const batch: EffectBatch = new Batch();
    const { atMs } = event;
    switch (event.kind) {
      case 'plan':
        this.#planBytes.set(event.planHash, event.bytes);
        this.#reconsider(batch, atMs);
        break;
      case 'model': {
        const { wanted, model } = event;
        const refusal = this.#swap(batch, model, wanted);
        if (refusal) this.#refuseWaiting(batch, { wanted, refusal, atMs });
        else this.#reconsider(batch, atMs);
        break;
      }
      case 'fetch-failed':
        this.#refuseWaiting(batch, event);
        break;
      case 'run-over':
        this.#free(batch, event.runId, atMs);
        break;
      case 'trained': {
        const { slot, transcript, words } = event;
        this.#protocol(batch, { kind: 'encoded', slot, transcript, words, atMs });
        break;
      }
      case 'train-failed': {
        const { slot, transcript, refusal } = event;
        this.#refuse(batch, { round: { slot, transcript }, refusal, atMs });
        break;
      }
      case 'accepted':
        this.#accepted(batch, event.slot, event.acceptanceSig);
        this.#protocol(batch, event);
        break;
      case 'connected':
        for (const runId of this.#ledger.openRuns()) batch.add({ kind: 'ask-run', runId });
        this.#protocol(batch, event);
        break;
      default:
        this.#protocol(batch, event);
    }
    return batch.effects();
  }

  /** When to send a `timeout`, and why. */
  deadline(): { readonly atMs: number; readonly reason: string } | undefined {
    return this.#options.machine.deadline();
  }

  #protocol(batch: EffectBatch, event: AgentEvent): void {
    const effects = this.#options.machine.handle(event);
    for (const effect of effects) {
      switch (effect.kind) {
        case 'persist':
          for (const { key, value } of effect.puts) batch.put('protocol', key, value);
          if (effect.licence)
            this.#book(batch, { licence: effect.licence, effects, atMs: event.atMs });
          break;
        case 'admit':
          this.#admit(batch, effect, event.atMs);
          break;
        case 'contribute':
          this.#train(batch, effect);
          break;
        case 'closed':
          this.#closed(batch, effect, event.atMs);
          break;
        case 'ledger-head':
          this.#compareHead(batch, effect.head);
          break;
        default:
          batch.add(effect);
      }
    }
  }

  /** Consent to one round; what is missing for a decision is fetched first. */
  #admit(batch: EffectBatch, round: AskedAdmission, atMs: number): void {
    const { slot, open, transcript } = round;
    const planHash = hex(open.planHash);
    const bytes = this.#planBytes.get(planHash);
    if (!bytes) {
      this.#waiting.set(slot, round);
      for (const runId of this.#ledger.openRuns()) batch.add({ kind: 'ask-run', runId });
      batch.add({ kind: 'fetch-plan', planHash });
      return;
    }
    const refusal = this.#consent(batch, { round, bytes, atMs });
    if (refusal) return this.#refuse(batch, { round, refusal, atMs });
    const modelHash = hex(open.modelHash);
    if (this.#models.get(open.runId)?.version.modelHash !== modelHash) {
      this.#waiting.set(slot, round);
      batch.add({ kind: 'fetch-model', runId: open.runId, modelHash });
      return;
    }
    this.#waiting.delete(slot);
    this.#protocol(batch, { kind: 'admitted', slot, transcript, atMs });
  }

  /** Plan, mechanism, policy, charter and budget, in this order; the run's budget is set aside. */
  #consent(
    batch: EffectBatch,
    input: { round: AskedAdmission; bytes: Uint8Array; atMs: number },
  ): Refusal | undefined {
    const { round, bytes, atMs } = input;
    const planHash = hex(round.open.planHash);
    const known = this.#plans.get(planHash);
    const admitted = known ?? admitPlan(bytes, this.#options);
    if (isRefusal(admitted)) return admitted;
    this.#plans.set(planHash, admitted);
    if (!known) {
      for (const warning of admitted.warnings) this.#noteRefusal(batch, 'admitted, but', warning);
    }
    const scheduled = checkRound(admitted, round.open);
    if (isRefusal(scheduled)) return scheduled;
    this.#openAccounts(batch, atMs);
    const reserved = this.#behind ?? this.#ledger.reserve(admitted, atMs);
    if (isRefusal(reserved)) return reserved;
    batch.write(reserved);
    if (reserved.length > 0) batch.put('plan', planHash, bytes);
    const { purpose } = scheduled;
    return this.#ledger.chargeProblem({ admitted, purpose, slot: slotName(round), atMs });
  }

  /** A period that ended is followed by a new one; nothing is written while it lasts. */
  #openAccounts(batch: EffectBatch, atMs: number): void {
    const { policy } = this.#options;
    if (!policy) return;
    const opened = this.#ledger.openAccounts(policy, atMs);
    if (isRefusal(opened)) this.#noteRefusal(batch, 'budget not opened', opened);
    else batch.write(opened);
  }

  #reconsider(batch: EffectBatch, atMs: number): void {
    for (const round of [...this.#waiting.values()]) {
      this.#waiting.delete(round.slot);
      this.#admit(batch, round, atMs);
    }
  }

  #refuse(batch: EffectBatch, input: { round: AskedRound; refusal: Refusal; atMs: number }): void {
    const { slot, transcript } = input.round;
    this.#waiting.delete(slot);
    this.#noteRefusal(batch, 'round refused', input.refusal);
    // Only the code leaves: facts such as what is left of a budget stay inside this unit.
    const refusal = refuse(input.refusal.refused);
    this.#protocol(batch, { kind: 'refused', slot, transcript, refusal, atMs: input.atMs });
  }

  #refuseWaiting(
    batch: EffectBatch,
    input: { wanted: string; refusal: Refusal; atMs: number },
  ): void {
    const { wanted, refusal, atMs } = input;
    this.#noteRefusal(batch, `could not use ${wanted}`, refusal);
    for (const round of [...this.#waiting.values()]) {
      const { open } = round;
      if (![hex(open.planHash), hex(open.modelHash)].includes(wanted)) continue;
      this.#refuse(batch, { round, refusal, atMs });
    }
  }

  #train(batch: EffectBatch, effect: Extract<AgentEffect, { kind: 'contribute' }>): void {
    const { slot, open } = effect;
    const admitted = this.#plans.get(hex(open.planHash));
    const model = this.#models.get(open.runId);
    if (!admitted || !model) throw new Error(`slot ${slot} was never admitted`);
    const { purpose } = admitted.schedule[open.round];
    batch.add({
      kind: 'train',
      task: {
        slot,
        purpose,
        plan: admitted.plan,
        planHash: admitted.planHash,
        rateThreshold: admitted.self.rateThreshold,
        modelBytes: model.bytes,
        sampleKey: effect.sampleKey,
        noise: effect.noise,
      },
    });
  }

  /** Charge and receipt, in the very transaction that licenses the upload. */
  #book(
    batch: EffectBatch,
    input: { licence: UploadLicence; effects: readonly AgentEffect[]; atMs: number },
  ): void {
    const { licence, effects, atMs } = input;
    const admitted = this.#plans.get(hex(licence.open.planHash));
    const upload = effects.find(
      (effect) => effect.kind === 'upload' && effect.slot === licence.slot,
    ) as Extract<AgentEffect, { kind: 'upload' }> | undefined;
    if (!admitted || !upload) throw new Error(`slot ${licence.slot} was never admitted`);
    const { purpose } = admitted.schedule[licence.open.round];
    const before = this.#ledger.position(purpose, atMs);
    const slot = slotName(licence);
    const charged = this.#ledger.charge({ admitted, purpose, slot, hdr: licence.hdr, atMs });
    const after = this.#ledger.position(purpose, atMs);
    // The reservation was granted before training; a charge that fails now is a broken ledger, and
    // throwing here keeps the upload from leaving.
    if (isRefusal(charged)) throw new Error(`charge refused: ${charged.refused}`);
    if (isRefusal(before) || isRefusal(after)) throw new Error('account closed during a round');
    batch.write(charged);
    const receipt = receiptOf({ licence, admitted, purpose, upload, before, after, atMs });
    this.#openReceipts.set(licence.slot, receipt);
    batch.write([receiptWrite(receipt)]);
    const { seq, head } = this.#ledger.state;
    this.#protocol(batch, { kind: 'ledger-head', head: { count: seq, hash: fromHex(head) }, atMs });
  }

  #accepted(batch: EffectBatch, slot: number, signature: Uint8Array): void {
    const receipt = this.#openReceipts.get(slot);
    if (!receipt) return;
    const { coordinatorKeys } = this.#options.manifest.manifest;
    if (!isAccepted({ hdr: receipt.hdr, signature, coordinatorKeys })) return;
    this.#openReceipts.delete(slot);
    batch.write([receiptWrite({ ...receipt, acceptance: hex(signature) })]);
  }

  #closed(batch: EffectBatch, closed: Closed, atMs: number): void {
    this.#waiting.delete(closed.slot);
    batch.add({ kind: 'forget' });
    const { open, certified } = closed;
    const admitted = this.#planOf(open.planHash);
    if (!admitted) return;
    const scheduled = admitted.schedule[open.round];
    if (closed.uploaded && scheduled) {
      const settled = this.#settle(closed, { admitted, purpose: scheduled.purpose, atMs });
      if (isRefusal(settled)) this.#noteRefusal(batch, 'charge not settled', settled);
      else batch.write(settled);
    }
    if (closed.outcome !== 'result' || !certified || !scheduled) return;
    if (
      scheduled.purpose === 'training' &&
      scheduled.trained === admitted.plan.authored.training.rounds
    ) {
      batch.add({ kind: 'fetch-model', runId: open.runId });
    }
    if (scheduled.round === admitted.schedule.length - 1) {
      this.#free(batch, open.runId, atMs);
    }
  }

  /** A plan admitted now or, by its stored bytes, before a restart. */
  #planOf(planHash: Uint8Array): AdmittedPlan | undefined {
    const known = this.#plans.get(hex(planHash));
    const bytes = this.#planBytes.get(hex(planHash));
    const admitted = known ?? (bytes && admitPlan(bytes, this.#options));
    return isRefusal(admitted) ? undefined : admitted;
  }

  #settle(
    closed: Closed,
    input: { admitted: AdmittedPlan; purpose: 'training' | 'evaluation'; atMs: number },
  ): Write[] | Refusal {
    const { admitted, purpose, atMs } = input;
    const slot = slotName(closed);
    if (closed.outcome === 'aborted')
      return this.#ledger.release(slot, `abort/${closed.slot}`, atMs);
    const { certified } = closed;
    if (!certified?.self) return [];
    const rate = rateOf(purpose, admitted.self);
    const { honest } = certified;
    const event = admitted.mechanisms[purpose].event({ rate, honest, rounds: 1 });
    const certificate = certificateDigest(certified.certificate.signatures);
    return this.#ledger.lower({ slot, event, honest, certificate, atMs });
  }

  #swap(batch: EffectBatch, fetched: FetchedModel, wanted: string): Refusal | undefined {
    const { coordinatorKeys } = this.#options.manifest.manifest;
    const held = (runId: string) => this.#models.get(runId);
    const verified = verifyModel(fetched, { coordinatorKeys, held });
    if (isRefusal(verified)) return verified;
    const { runId, modelHash } = verified.version;
    if (wanted && modelHash !== wanted) return refuse('model-unverified', { reason: 'another' });
    this.#models.set(runId, verified);
    batch.write(modelWrites(verified));
    return undefined;
  }

  #free(batch: EffectBatch, runId: string, atMs: number): void {
    const freed = this.#ledger.close(runId, atMs);
    if (isRefusal(freed)) this.#noteRefusal(batch, 'reservation not closed', freed);
    else batch.write(freed);
  }

  /** A ledger that lost lines the coordinator has seen grants nothing more (SECAGG.md, 12). */
  #compareHead(batch: EffectBatch, head: LedgerHead): void {
    if (head.count === 0 || this.#options.ledgerHashAt(head.count) === hex(head.hash)) return;
    const { seq } = this.#ledger.state;
    this.#behind = refuse('ledger-mismatch', { own: seq, coordinator: head.count });
    // Kept: lines that are appended meanwhile must not make it look complete again.
    batch.put('meta', 'ledger-behind', jsonBytes(this.#behind));
    this.#noteRefusal(batch, 'ledger is behind its head', this.#behind);
  }

  #noteRefusal(batch: EffectBatch, text: string, refusal: Refusal): void {
    batch.add({ kind: 'note', text, facts: { code: refusal.refused, ...refusal.facts } });
  }
}

function slotName(round: SlotRound & { readonly epochNumber: number }): SlotName {
  return { runId: round.open.runId, epoch: round.epochNumber, slot: round.slot };
}

function receiptWrite(receipt: Receipt): Write {
  return { table: 'receipt', key: receipt.id, value: jsonBytes(receipt) };
}
