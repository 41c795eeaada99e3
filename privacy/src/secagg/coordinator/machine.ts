import { equalBytes } from '../../crypto/bytes.ts';
import { readMessage, signedByAny } from '../envelope.ts';
import { manifestProblem } from '../manifest.ts';
import type { Envelope, MessageType } from '../message.ts';
import { abortAsk, burn, onAbort, onSlotAsk, startAbort } from './abort.ts';
import { eligible, onBundle } from './bundle.ts';
import type { CoordinatorEffect, CoordinatorEvent } from './event.ts';
import { finishSlot } from './finish.ts';
import { onOpen, onRefused, resendOpen } from './open.ts';
import { restoreCoordinator } from './restore.ts';
import { onReveal, sendCertificate } from './reveal.ts';
import {
  onConfirm,
  onHello,
  onKemCt,
  onKemPk,
  progressSetup,
  resumeSetup,
  setupDeadline,
} from './setup.ts';
import { enoughShares } from './share-pool.ts';
import {
  alarm,
  type Coordinator,
  type CoordinatorOptions,
  deletions,
  persist,
  sealed,
  sendTo,
} from './state.ts';
import { onAck, propose } from './survivors.ts';
import { unmask } from './unmask.ts';
import { allHeard, onUploaded } from './upload.ts';
import { sendWelcome } from './welcome.ts';

/**
 * The coordinator's side of SECAGG.md as a state machine: synchronous, no clock, no I/O. Effects
 * of one event are performed in order. After a crash, build a new one and `restore` its records.
 */
export class CoordinatorMachine {
  readonly #machine: Coordinator;

  constructor(options: CoordinatorOptions) {
    const problem = manifestProblem(options.manifest);
    if (problem) throw new Error(`manifest: ${problem.facts.what}`);
    const publicKey = options.ports.signer.publicKey(options.signSeed.reveal());
    if (!options.manifest.coordinatorKeys.some((key) => equalBytes(key, publicKey))) {
      throw new Error('the manifest does not name this coordinator key');
    }
    this.#machine = {
      options,
      connected: new Set(),
      ledgerHeads: new Map(),
      highest: { epochNumber: 0, attempt: 0 },
      recordKeys: new Set(),
      nowMs: 0,
      out: [],
    };
  }

  /** Before the first event: everything that persist effects wrote and did not delete. */
  restore(records: Iterable<readonly [string, Uint8Array]>): void {
    restoreCoordinator(this.#machine, records);
  }

  handle(event: CoordinatorEvent): CoordinatorEffect[] {
    const machine = this.#machine;
    machine.nowMs = event.atMs;
    machine.out = [];
    adoptManifest(machine);
    resumeSlot(machine);
    dispatch(machine, event);
    progressSlot(machine);
    progressSetup(machine);
    return machine.out;
  }

  /** Who could take part in the next slot now, and who else is connected and may soon. */
  attendance(): { readonly able: number; readonly connected: number } {
    const { epoch, connected } = this.#machine;
    if (!epoch) return { able: 0, connected: 0 };
    return {
      able: eligible(this.#machine, epoch.nextSlot).length,
      connected: epoch.roster.members.filter((member) => connected.has(member)).length,
    };
  }

  /** When to send `timeout` next. */
  deadline(): { atMs: number; reason: string } | undefined {
    const { slot } = this.#machine;
    if (slot?.deadlineMs !== undefined) return { atMs: slot.deadlineMs, reason: slot.phase };
    const atMs = setupDeadline(this.#machine);
    return atMs === undefined ? undefined : { atMs, reason: 'setup' };
  }
}

function dispatch(machine: Coordinator, event: CoordinatorEvent): void {
  switch (event.kind) {
    case 'connected':
      return onConnected(machine, event.member);
    case 'disconnected':
      machine.connected.delete(event.member);
      return;
    case 'message':
      return onMessage(machine, event.member, event.envelope);
    case 'open':
      return onOpen(machine, event.round);
    case 'uploaded':
      return onUploaded(machine, event.uploads);
    case 'timeout':
      return;
    default:
      event satisfies never;
  }
}

function adoptManifest(machine: Coordinator): void {
  const { manifestHash } = machine.options;
  if (machine.adopted && equalBytes(machine.adopted, manifestHash)) return;
  machine.adopted = manifestHash;
  // Ledger heads are kept by agentId and outlive every manifest.
  persist(machine, { ...deletions(machine, /^(?!ledger-head\/)/), manifest: manifestHash });
}

/** Welcome, then everything of the setup and of the open slot that this member may have missed. */
function onConnected(machine: Coordinator, member: number): void {
  if (machine.options.manifest.agents[member] === undefined) {
    throw new RangeError(`member ${member} is not in the manifest`);
  }
  machine.connected.add(member);
  sendWelcome(machine, member);
  resumeSetup(machine, member);
  const { slot, epoch } = machine;
  const position = epoch?.roster.members.indexOf(member) ?? -1;
  if (!slot || position < 0) return;
  resendOpen(machine, slot, position);
  if (slot.phase === 'ack') sendTo(machine, member, sealed(machine, 'Proposal', slot.proposal!));
  if (slot.phase === 'reveal') sendCertificate(machine, slot, position);
  if (slot.phase === 'abort') sendTo(machine, member, abortAsk(machine, slot.open.slot));
}

function onMessage(machine: Coordinator, member: number, envelope: Envelope): void {
  switch (envelope.type) {
    case 'Hello':
      return onHello(machine, member, envelope);
    case 'Confirm':
      return onConfirm(machine, member, envelope);
    case 'KemCt':
      return onKemCt(machine, member, envelope);
    case 'KemPk':
    case 'Refused':
      return onUnsigned(machine, member, envelope);
    default:
      return onEpochMessage(machine, member, envelope);
  }
}

// A KemPk is checked against its signed Hello, a Refused is no more than its connection.
function onUnsigned(machine: Coordinator, member: number, { type, body }: Envelope): void {
  const { codec } = machine.options.ports;
  const kem = type === 'KemPk' ? readMessage(codec, { type, body }, 0) : undefined;
  const refused = type === 'Refused' ? readMessage(codec, { type, body }, 0) : undefined;
  if (kem) onKemPk(machine, member, kem);
  else if (refused) onRefused(machine, member, refused);
  else alarm(machine, 'message-malformed', { type, member });
}

const LABELLED: ReadonlySet<MessageType> = new Set(['Ack', 'Abort']);

/** Messages of roster members in the active epoch; Ack and Abort carry labelled signatures. */
function onEpochMessage(machine: Coordinator, member: number, envelope: Envelope): void {
  const { epoch, options } = machine;
  const position = epoch?.roster.members.indexOf(member) ?? -1;
  if (!epoch || position < 0) return;
  const { type, body, sig: signature } = envelope;
  const { codec, signer } = options.ports;
  const { params, sigPks, ctx } = epoch.roster;
  if (!LABELLED.has(type) && !signedByAny(signer, [sigPks[position]!], envelope)) {
    // Also what an agent of an older epoch sent before it heard of this one.
    return alarm(machine, 'message-unverified', { type, member });
  }
  const read = <T extends MessageType>(as: T) => {
    const message = readMessage<T>(codec, { type: as, body }, params.n);
    if (!message) alarm(machine, 'message-malformed', { type, member });
    const of = (message as { epoch?: Uint8Array } | undefined)?.epoch;
    return of && !equalBytes(of, ctx) ? undefined : message;
  };
  switch (type) {
    case 'Bundle': {
      const bundle = read(type);
      return bundle && onBundle(machine, position, bundle);
    }
    case 'Ack': {
      const ack = read(type);
      return ack && onAck(machine, position, { ack, signature });
    }
    case 'AlreadySigned': {
      const ack = read(type);
      return ack && onAck(machine, position, { ack, signature: ack.signature });
    }
    case 'Abort': {
      const abort = read(type);
      return abort && onAbort(machine, position, { abort, signature });
    }
    case 'Reveal': {
      const reveal = read(type);
      if (reveal && onReveal(machine, position, reveal)) unmask(machine, machine.slot!);
      return;
    }
    case 'SlotAsk': {
      const ask = read(type);
      return ask && onSlotAsk(machine, member, ask);
    }
    case 'LedgerHead': {
      const head = read(type);
      if (!head) return;
      machine.ledgerHeads.set(member, head);
      const { agentId } = options.manifest.agents[member]!;
      return persist(machine, { [`ledger-head/${agentId}`]: head });
    }
    default:
      return alarm(machine, 'message-unexpected', { type, member });
  }
}

/** Moves the open slot on when everybody was heard or its deadline passed. */
function progressSlot(machine: Coordinator): void {
  const { slot, nowMs } = machine;
  if (!slot) return;
  const overdue = slot.deadlineMs !== undefined && nowMs >= slot.deadlineMs;
  if (slot.phase === 'upload' && (overdue || allHeard(slot))) return propose(machine, slot);
  if (!overdue) return;
  if (slot.phase === 'ack') return startAbort(machine, slot, 'acks-below-quorum');
  if (slot.phase === 'abort') return burn(machine, slot);
  finishSlot(machine, slot, { code: 'shares-below-threshold', aborted: false });
}

/** After a restart the phase gets its full time again, and what is on disk may suffice. */
function resumeSlot(machine: Coordinator): void {
  const { slot, options, nowMs } = machine;
  if (!slot || slot.deadlineMs !== undefined) return;
  const { ackMs, revealMs } = options.config;
  slot.deadlineMs = nowMs + (slot.phase === 'reveal' ? revealMs : ackMs);
  if (slot.phase === 'reveal' && enoughShares(machine.epoch!, slot)) unmask(machine, slot);
}
