import { fromHex, hex } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { fromJsonBytes } from '@tacit/proto/store/json.ts';
import type { Tables } from '@tacit/proto/store/tables.ts';
import {
  envelopeOf,
  plainBytes,
  type WireAcceptance,
  type WireEnvelope,
} from '@tacit/proto/wire/service.ts';
import type { Logger } from 'pino';
import type { Agent } from '../core/agent.ts';
import type { CoreEffect, CoreEvent } from '../core/effect.ts';
import type { CoordinatorLink } from './port.ts';
import type { Trainer } from './trainer.ts';

type EventWithoutTime = CoreEvent extends infer E
  ? E extends CoreEvent
    ? Omit<E, 'atMs'>
    : never
  : never;

/** How often an upload or a fetch is tried within one connection, and the wait in between. */
const tries = 3;
const retryMs = 250;

/**
 * The one loop that performs what the agent's core asks. A store that cannot write stops the agent:
 * what is in memory is then ahead of what is durable, and nothing may leave on its word.
 */
export class Driver {
  readonly #agent: Agent;
  readonly #tables: Tables;
  readonly #trainer: Trainer;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #failed: (refusal: Refusal) => void;
  #link: CoordinatorLink | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #lastMs = 0;

  constructor(options: {
    agent: Agent;
    tables: Tables;
    trainer: Trainer;
    log: Logger;
    now: () => number;
    /** Called once, when the store failed and the agent has stopped. */
    failed: (refusal: Refusal) => void;
  }) {
    this.#agent = options.agent;
    this.#tables = options.tables;
    this.#trainer = options.trainer;
    this.#log = options.log;
    this.#now = options.now;
    this.#failed = options.failed;
  }

  start(link: CoordinatorLink): void {
    this.#link = link;
    this.#perform(() => this.#agent.start(this.#nowMs()));
  }

  received(envelope: WireEnvelope): void {
    this.dispatch({ kind: 'message', envelope: envelopeOf(envelope) });
  }

  /** Feeds one event and performs what follows from it. */
  dispatch(event: EventWithoutTime): void {
    const timed = { ...event, atMs: this.#nowMs() } as CoreEvent;
    this.#perform(() => this.#agent.handle(timed));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #perform(step: () => CoreEffect[]): void {
    if (this.#stopped) return;
    try {
      for (const effect of step()) this.#performOne(effect);
    } catch (error) {
      this.stop();
      const { message } = error as Error;
      const { code } = error as { code?: string };
      this.#failed(refuse(code === 'ERR_SQLITE_ERROR' ? 'store-failed' : 'internal', { message }));
      return;
    }
    this.#arm();
  }

  #performOne(effect: CoreEffect): void {
    switch (effect.kind) {
      case 'commit':
        this.#tables.write(effect.writes);
        break;
      case 'forget':
        this.#tables.forget();
        break;
      case 'send':
        this.#link?.send(effect.envelope);
        break;
      case 'upload':
        void this.#upload(effect);
        break;
      case 'fetch-plan':
        void this.#fetchPlan(effect.planHash);
        break;
      case 'fetch-model':
        void this.#fetchModel(effect.runId, effect.modelHash ?? '');
        break;
      case 'ask-run':
        void this.#askRun(effect.runId);
        break;
      case 'train':
        void this.#train(effect);
        break;
      case 'alarm':
        this.#log.warn({ code: effect.code, ...effect.facts }, 'alarm');
        break;
      case 'note':
        this.#log.info(effect.facts, effect.text);
        break;
      default:
        effect satisfies never;
    }
  }

  async #upload(effect: Extract<CoreEffect, { kind: 'upload' }>): Promise<void> {
    const { slot, envelope, body } = effect;
    const answer = await this.#again<WireAcceptance>((link) => link.upload(envelope, body));
    if (isRefusal(answer)) {
      // Unanswered: the protocol's machine sends the same bytes again after the next connection.
      this.#log.warn({ slot, code: answer.refused, ...answer.facts }, 'upload not acknowledged');
      return;
    }
    if (answer.refused) {
      this.dispatch({ kind: 'rejected', slot, code: answer.refused });
      return;
    }
    this.dispatch({ kind: 'accepted', slot, acceptanceSig: plainBytes(answer.sig) });
  }

  async #fetchPlan(planHash: string): Promise<void> {
    const bytes = await this.#again((link) => link.blob(fromHex(planHash)));
    if (isRefusal(bytes)) {
      this.dispatch({ kind: 'fetch-failed', wanted: planHash, refusal: bytes });
    } else if (hex(sha256(bytes)) !== planHash) {
      const refusal = refuse('plan-hash', { wanted: planHash });
      this.dispatch({ kind: 'fetch-failed', wanted: planHash, refusal });
    } else this.dispatch({ kind: 'plan', planHash, bytes });
  }

  async #fetchModel(runId: string, modelHash: string): Promise<void> {
    const wanted = fromHex(modelHash);
    const model = await this.#again(async (link) => {
      const version = await link.modelVersion(runId, wanted);
      const record = fromJsonBytes<{ modelHash?: string }>(version.body);
      const bytes = await link.blob(fromHex(record.modelHash ?? ''));
      return { record: plainBytes(version.body), signature: plainBytes(version.sig), bytes };
    });
    if (isRefusal(model)) {
      this.dispatch({ kind: 'fetch-failed', wanted: modelHash, refusal: model });
    } else this.dispatch({ kind: 'model', wanted: modelHash, model });
  }

  async #askRun(runId: string): Promise<void> {
    const over = await this.#again((link) => link.runIsOver(runId));
    if (over === true) this.dispatch({ kind: 'run-over', runId });
  }

  async #train(effect: Extract<CoreEffect, { kind: 'train' }>): Promise<void> {
    const { slot, noise } = effect.task;
    const { transcript } = noise;
    const words = await this.#trainer.contribute(effect.task);
    if (isRefusal(words)) this.dispatch({ kind: 'train-failed', slot, transcript, refusal: words });
    else this.dispatch({ kind: 'trained', slot, transcript, words });
  }

  /** The result of a call, or the last failure as a refusal. A coded answer is final at once. */
  async #again<T>(call: (link: CoordinatorLink) => Promise<T>): Promise<T | Refusal> {
    let last = refuse('coordinator-unreachable');
    for (let attempt = 0; attempt < tries && !this.#stopped && this.#link; attempt++) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, retryMs * attempt));
      try {
        return await call(this.#link);
      } catch (error) {
        const coded = codedRefusal(error);
        if (coded) return coded;
        last = refuse('coordinator-unreachable', { message: (error as Error).message });
      }
    }
    return last;
  }

  /** The wall clock, held when it steps back: ledger times never go backward within a process. */
  #nowMs(): number {
    this.#lastMs = Math.max(this.#lastMs, this.#now());
    return this.#lastMs;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const due = this.#agent.deadline();
    if (!due || this.#stopped) return;
    const waitMs = Math.min(Math.max(0, due.atMs - this.#now()), 2 ** 30);
    this.#timer = setTimeout(() => this.dispatch({ kind: 'timeout' }), waitMs);
  }
}

/** The refusal a coordinator put into a status, if there is one. */
export function codedRefusal(error: unknown): Refusal | undefined {
  const { details } = error as { details?: string };
  try {
    const value: unknown = JSON.parse(details ?? '');
    return isRefusal(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
