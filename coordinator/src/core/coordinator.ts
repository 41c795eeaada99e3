import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { H } from '@tacit/privacy/crypto/hash.ts';
import type { Refusal } from '@tacit/privacy/refusal.ts';
import type {
  CoordinatorEffect,
  CoordinatorEvent,
  SlotFailed,
  SlotResult,
} from '@tacit/privacy/secagg/coordinator/event.ts';
import type { CompiledPlan } from '@tacit/proto/plan/compiled-plan.ts';
import type { PlanMechanisms } from '@tacit/proto/plan/mechanisms.ts';
import { modelBytes } from '@tacit/proto/plan/model-bytes.ts';
import { Batch, type Commit } from '@tacit/proto/store/batch.ts';
import { jsonBytes } from '@tacit/proto/store/json.ts';
import type { CoreEffect, RunEvent } from './effect.ts';
import {
  applyFailure,
  applyResult,
  type Run,
  startRun,
  versionRecord,
  wantedRound,
} from './run.ts';
import { encodeRun } from './run-record.ts';

/** The protocol's machine, as this core uses it. */
export interface ProtocolMachine {
  handle(event: CoordinatorEvent): CoordinatorEffect[];
  attendance(): { readonly able: number; readonly connected: number };
  deadline(): { readonly atMs: number; readonly reason: string } | undefined;
}

/** Signs what the coordinator publishes. */
export type SignStatement = (statement: Uint8Array) => Uint8Array;

type EffectBatch = Batch<Exclude<CoreEffect, Commit>>;

/** How long a refused round waits before it is asked for again, milliseconds. */
const retryOpenMs = 200;

/** Wait before the second attempt of a round; four times as long before the third, milliseconds. */
const burnedRetryMs = 1_000;

/** How long a round waits for connected agents that have not published bundles, milliseconds. */
const attendanceGraceMs = 3_000;
const attendanceRetryMs = 25;

/**
 * The coordinator without I/O: one federation, its runs, and the protocol underneath. Runs are done
 * one after the other, in the order proposed. A driver feeds events and performs the effects in
 * order.
 */
export class Coordinator {
  readonly #machine: ProtocolMachine;
  readonly #units: readonly string[];
  readonly #sign: SignStatement;
  readonly #runs = new Map<string, Run>();
  /** Set while a slot is open; the slot's end clears it. */
  #slotOpen = false;
  #openLength = 0;
  #retryAtMs: number | undefined;
  /** Until when the next round waits for those who are about to be able; set while it waits. */
  #graceUntilMs: number | undefined;
  #lastWaiting = '';
  #eventCount = 0;

  constructor(options: {
    machine: ProtocolMachine;
    /** Business units by manifest position. */
    units: readonly string[];
    sign: SignStatement;
    /** Runs as stored, in the order proposed, and how many run events were. */
    runs: readonly Run[];
    eventCount: number;
  }) {
    this.#machine = options.machine;
    this.#units = options.units;
    this.#sign = options.sign;
    this.#eventCount = options.eventCount;
    for (const run of options.runs) this.#runs.set(run.runId, run);
  }

  /** Every run, in the order proposed. */
  runs(): readonly Run[] {
    return [...this.#runs.values()];
  }

  /** Takes a compiled plan as a new run. */
  propose(input: {
    plan: CompiledPlan;
    planBytes: Uint8Array;
    planHash: string;
    mechanisms: PlanMechanisms;
    atMs: number;
  }): CoreEffect[] {
    const run = startRun(input);
    this.#runs.set(run.runId, run);
    const batch: EffectBatch = new Batch();
    batch.put('blob', run.planHash, input.planBytes);
    this.#saveRun(batch, run, run.modelHash);
    this.#note(batch, run.runId, { type: 'state', status: run.status });
    this.#openNext(batch, input.atMs);
    return batch.effects();
  }

  /** Feeds one event of the protocol; connections, messages, uploads and time. */
  handle(event: CoordinatorEvent): CoreEffect[] {
    const batch: EffectBatch = new Batch();
    this.#perform(batch, this.#machine.handle(event), event.atMs);
    this.#openNext(batch, event.atMs);
    return batch.effects();
  }

  /** Data elements of the vector uploads must have now; undefined while no slot is open. */
  openVectorLength(): number | undefined {
    return this.#slotOpen ? this.#openLength : undefined;
  }

  /** When to send a `timeout`, and why. */
  deadline(): { readonly atMs: number; readonly reason: string } | undefined {
    const protocol = this.#machine.deadline();
    const retry = this.#retryAtMs;
    if (retry === undefined || (protocol && protocol.atMs <= retry)) return protocol;
    return { atMs: retry, reason: 'open the next round' };
  }

  #perform(batch: EffectBatch, effects: readonly CoordinatorEffect[], atMs: number): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'persist':
          for (const { key, value } of effect.puts) batch.put('protocol', key, value);
          break;
        case 'result':
          this.#released(batch, effect);
          break;
        case 'failed':
          this.#burned(batch, effect, atMs);
          break;
        case 'open-refused':
          this.#slotOpen = false;
          this.#retryAtMs = atMs + retryOpenMs;
          this.#waiting(batch, effect.round.runId, effect.refusal);
          break;
        case 'slot-opened':
          this.#slotOpen = true;
          this.#openLength = effect.open.vec.length;
          this.#lastWaiting = '';
          break;
        case 'refused':
          this.#refusedByAgent(batch, effect);
          break;
        case 'epoch-ready':
          break;
        default:
          batch.add(effect);
      }
    }
  }

  #released(batch: EffectBatch, result: SlotResult): void {
    this.#slotOpen = false;
    const run = this.#runs.get(result.open.runId);
    if (!run || run.schedule[run.position]?.round !== result.open.round) return;
    const next = applyResult(run, result, this.#units);
    this.#saveRun(batch, next, run.modelHash);
    const record = next.rounds[next.rounds.length - 1];
    const of = run.schedule.length;
    const participants = run.plan.participants.length;
    const { version } = next;
    this.#note(batch, run.runId, { type: 'round', of, version, participants, record });
    if (next.evaluations.length > run.evaluations.length) {
      const evaluation = next.evaluations[next.evaluations.length - 1];
      this.#note(batch, run.runId, { type: 'evaluation', evaluation });
    }
    if (next.status !== run.status) {
      this.#note(batch, run.runId, { type: 'state', status: next.status });
    }
  }

  #burned(batch: EffectBatch, failed: SlotFailed, atMs: number): void {
    this.#slotOpen = false;
    // What made a slot fail often passes; three attempts in the same second would all meet it.
    this.#retryAtMs = atMs + burnedRetryMs * 4 ** failed.open.attempt;
    const run = this.#runs.get(failed.open.runId);
    if (!run || run.schedule[run.position]?.round !== failed.open.round) return;
    const next = applyFailure(run, failed);
    this.#saveRun(batch, next, run.modelHash);
    this.#note(batch, run.runId, {
      type: 'slot-failed',
      round: failed.open.round,
      attempt: failed.open.attempt,
      code: failed.code,
      chargesReturned: failed.aborted,
    });
    if (next.status === 'failed') {
      const { status, failure } = next;
      this.#note(batch, run.runId, { type: 'state', status, failure });
    }
  }

  #refusedByAgent(
    batch: EffectBatch,
    effect: Extract<CoordinatorEffect, { kind: 'refused' }>,
  ): void {
    const run = this.#active();
    if (!run) return;
    const facts = { ...effect.refusal.facts, bu: this.#units[effect.member], slot: effect.slot };
    this.#waiting(batch, run.runId, { refused: effect.refusal.refused, facts });
  }

  #openNext(batch: EffectBatch, atMs: number): void {
    if (this.#slotOpen) return;
    if (this.#retryAtMs !== undefined && atMs < this.#retryAtMs) return;
    this.#retryAtMs = undefined;
    const run = this.#active();
    const round = run && wantedRound(run);
    if (!round) return;
    const { able, connected } = this.#machine.attendance();
    this.#graceUntilMs ??= atMs + attendanceGraceMs;
    if (able < connected && atMs < this.#graceUntilMs) {
      this.#retryAtMs = atMs + attendanceRetryMs;
      return;
    }
    this.#graceUntilMs = undefined;
    // Set before the machine answers: its effects may end the slot at once.
    this.#slotOpen = true;
    this.#perform(batch, this.#machine.handle({ kind: 'open', round, atMs }), atMs);
  }

  #active(): Run | undefined {
    return this.runs().find((run) => run.status === 'running');
  }

  #saveRun(batch: EffectBatch, run: Run, parentHash: string): void {
    this.#runs.set(run.runId, run);
    const record = encodeRun(run);
    batch.put('run', run.runId, record.state);
    batch.put('run_numbers', `${run.runId}/parameters`, record.parameters);
    batch.put('run_numbers', `${run.runId}/optimizer`, record.optimizer);
    if (run.version > 0 && run.modelHash === parentHash) return;
    const body = jsonBytes(versionRecord(run, parentHash));
    const signed = { body: hex(body), sig: hex(this.#sign(H('model-version', body))) };
    const key = `${run.runId}/${String(run.version).padStart(8, '0')}`;
    batch.put('blob', run.modelHash, modelBytes(run.plan, run.parameters));
    batch.put('model_version', key, jsonBytes(signed));
  }

  #waiting(batch: EffectBatch, runId: string, refusal: Refusal): void {
    // A slot that an earlier process left open ends by itself; nobody needs to be told.
    if (refusal.refused === 'slot-open') return;
    const event: RunEvent = { type: 'waiting', code: refusal.refused, facts: refusal.facts };
    // One line per change of state, not one per retry.
    const said = JSON.stringify(event);
    if (said === this.#lastWaiting) return;
    this.#lastWaiting = said;
    this.#note(batch, runId, event);
  }

  #note(batch: EffectBatch, runId: string, event: RunEvent): void {
    const key = `${runId}/${String(this.#eventCount++).padStart(10, '0')}`;
    batch.put('run_event', key, jsonBytes(event));
    batch.add({ kind: 'run-event', runId, event });
  }
}
