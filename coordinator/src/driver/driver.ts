import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { CoordinatorEvent, Uploaded } from '@tacit/privacy/secagg/coordinator/event.ts';
import type { Envelope } from '@tacit/privacy/secagg/message.ts';
import type { Tables } from '@tacit/proto/store/tables.ts';
import { envelopeOf, type WireAcceptance, type WireEnvelope } from '@tacit/proto/wire/service.ts';
import type { Logger } from 'pino';
import type { Coordinator } from '../core/coordinator.ts';
import type { CoreEffect, RunEvent } from '../core/effect.ts';
import type { AgentSession, CompleteUpload } from './port.ts';

type EventWithoutTime = CoordinatorEvent extends infer E
  ? E extends CoordinatorEvent
    ? Omit<E, 'atMs'>
    : never
  : never;

/**
 * The one loop that performs what the core asks: transactions, messages, timers. Everything enters
 * through `dispatch`, one event at a time.
 */
export class Driver {
  readonly #core: Coordinator;
  readonly #tables: Tables;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #sessions = new Map<number, AgentSession>();
  readonly #uploads: { upload: Uploaded; settle: (answer: WireAcceptance) => void }[] = [];
  readonly #awaiting = new Map<string, (answer: WireAcceptance) => void>();
  readonly #watchers = new Map<string, Set<(event: RunEvent) => void>>();
  #flushing = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: { core: Coordinator; tables: Tables; log: Logger; now: () => number }) {
    this.#core = options.core;
    this.#tables = options.tables;
    this.#log = options.log;
    this.#now = options.now;
  }

  /** A stream of an agent opened; an older one of the same agent is ended. */
  opened(member: number, session: AgentSession): void {
    const older = this.#sessions.get(member);
    this.#sessions.set(member, session);
    if (older) {
      older.end();
      this.dispatch({ kind: 'disconnected', member });
    }
    this.dispatch({ kind: 'connected', member });
  }

  closed(member: number, session: AgentSession): void {
    if (this.#sessions.get(member) !== session) return;
    this.#sessions.delete(member);
    this.dispatch({ kind: 'disconnected', member });
  }

  received(member: number, envelope: WireEnvelope): void {
    this.dispatch({ kind: 'message', member, envelope: envelopeOf(envelope) });
  }

  /**
   * Takes a complete upload. Those that arrive while a transaction is being written form the next
   * batch: one commit for all of them, and only then their acceptances.
   */
  uploaded(member: number, arrived: CompleteUpload): Promise<WireAcceptance> {
    return new Promise((settle) => {
      const upload = { member, envelope: envelopeOf(arrived.header), body: arrived.body };
      this.#uploads.push({ upload, settle });
      if (this.#flushing) return;
      this.#flushing = true;
      setImmediate(() => this.#flushUploads());
    });
  }

  /** Whether a run has ended; an unknown run has not. */
  runIsOver(runId: string): boolean {
    const run = this.#core.runs().find((known) => known.runId === runId);
    return run !== undefined && run.status !== 'running';
  }

  /** See `Coordinator.openVectorLength`. */
  openVectorLength(): number | undefined {
    return this.#core.openVectorLength();
  }

  /** Performs the effects of something the core was told directly. */
  perform(effects: readonly CoreEffect[]): void {
    for (const effect of effects) this.#performOne(effect);
    this.#arm();
  }

  watch(runId: string, listener: (event: RunEvent) => void): () => void {
    const listeners = this.#watchers.get(runId) ?? new Set();
    this.#watchers.set(runId, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Feeds one event and performs what follows from it. A failing store ends the process's work. */
  dispatch(event: EventWithoutTime): void {
    if (this.#stopped) return;
    const timed = { ...event, atMs: this.#now() } as CoordinatorEvent;
    this.perform(this.#core.handle(timed));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const session of this.#sessions.values()) session.end();
  }

  #flushUploads(): void {
    this.#flushing = false;
    const batch = this.#uploads.splice(0);
    const seen = new Set<number>();
    // One upload of an agent a batch: a second one of the same agent takes its turn behind it.
    const later = batch.filter(({ upload }) => seen.has(upload.member) || !seen.add(upload.member));
    const now = batch.filter((item) => !later.includes(item));
    for (const { upload, settle } of now) this.#awaiting.set(String(upload.member), settle);
    this.dispatch({ kind: 'uploaded', uploads: now.map(({ upload }) => upload) });
    for (const { upload } of now) {
      this.#settle(upload.member, refusedAcceptance(refuse('upload-late')));
    }
    if (later.length === 0) return;
    this.#uploads.unshift(...later);
    this.#flushing = true;
    setImmediate(() => this.#flushUploads());
  }

  #performOne(effect: CoreEffect): void {
    switch (effect.kind) {
      case 'commit':
        this.#tables.write(effect.writes);
        break;
      case 'send':
        this.#send(effect.to, effect.envelope);
        break;
      case 'accept':
        this.#settle(effect.member, { sig: effect.acceptance, refused: '', fact: '' });
        break;
      case 'reject': {
        const { code, late } = effect;
        this.#log.info({ member: effect.member, slot: effect.slot, code }, 'upload refused');
        this.#settle(effect.member, { sig: late ?? new Uint8Array(0), refused: code, fact: '' });
        break;
      }
      case 'alarm':
        this.#log.warn({ code: effect.code, ...effect.facts }, 'alarm');
        break;
      case 'run-event':
        this.#tell(effect.runId, effect.event);
        break;
      default:
        effect satisfies never;
    }
  }

  #send(to: number | 'all', envelope: Envelope): void {
    const sessions = to === 'all' ? [...this.#sessions.values()] : [this.#sessions.get(to)];
    for (const session of sessions) session?.send(envelope);
  }

  #settle(member: number, answer: WireAcceptance): void {
    const key = String(member);
    this.#awaiting.get(key)?.(answer);
    this.#awaiting.delete(key);
  }

  #tell(runId: string, event: RunEvent): void {
    if (event.type === 'state') this.#log.info({ runId, status: event.status }, 'run');
    if (event.type === 'waiting') {
      this.#log.info({ runId, code: event.code, ...event.facts }, 'waiting');
    }
    for (const listener of this.#watchers.get(runId) ?? []) listener(event);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const due = this.#core.deadline();
    if (!due || this.#stopped) return;
    const waitMs = Math.max(0, due.atMs - this.#now());
    this.#timer = setTimeout(() => this.dispatch({ kind: 'timeout' }), Math.min(waitMs, 2 ** 30));
  }
}

/** An upload's answer that carries a refusal. */
export function refusedAcceptance(refusal: Refusal): WireAcceptance {
  return { sig: new Uint8Array(0), refused: refusal.refused, fact: JSON.stringify(refusal.facts) };
}

/** Bytes of a blob by its hash, from the store. */
export function blobOf(tables: Tables, hash: Uint8Array): Uint8Array | Refusal {
  return tables.get('blob', hex(hash)) ?? refuse('blob-unknown', { hash: hex(hash) });
}
