import { equalBytes } from '../../crypto/bytes.ts';
import { readMessage, signedByAny } from '../envelope.ts';
import { manifestProblem } from '../manifest.ts';
import type { Envelope, MessageOf, MessageType } from '../message.ts';
import { COMPLETE_MAX } from '../parameters.ts';
import { closeOverdue, revealDeadline } from './close.ts';
import type { AgentEffect, AgentEvent, AskedRound } from './event.ts';
import { onAdmitted, onRefusedByApp, onRoundOpen } from './open.ts';
import { restoreAgent } from './restore.ts';
import { onCertificate, onRoundResult } from './reveal.ts';
import { adoptManifest, onConfirmSet, onHelloSet, onKemCt, onKemPks, onWelcome } from './setup.ts';
import { type Agent, type AgentOptions, alarm, send } from './state.ts';
import { onAbortAsk, onAbortCertificate, onProposal } from './survivors.ts';
import { onAccepted, onEncoded } from './upload.ts';

/**
 * The agent's side of SECAGG.md as a state machine: synchronous, no clock, no I/O. Effects of one
 * event are performed in order. After a crash, build a new machine and `restore` its records.
 */
export class AgentMachine {
  readonly #agent: Agent;

  constructor(options: AgentOptions) {
    const problem = manifestProblem(options.manifest);
    if (problem) throw new Error(`manifest: ${problem.facts.what}`);
    if (options.manifest.agents[options.member] === undefined) {
      throw new RangeError(`member ${options.member} is not in the manifest`);
    }
    this.#agent = {
      options,
      confirmedPair: { epochNumber: 0, attempt: 0 },
      slots: new Map(),
      bundles: new Map(),
      runs: new Map(),
      rootsAhead: new Map(),
      keys: new Map(),
      recordKeys: new Set(),
      nowMs: 0,
      out: [],
    };
  }

  /** Before the first event: everything that persist effects wrote and did not delete. */
  restore(records: Iterable<readonly [string, Uint8Array]>): void {
    restoreAgent(this.#agent, records);
  }

  handle(event: AgentEvent): AgentEffect[] {
    const agent = this.#agent;
    agent.nowMs = event.atMs;
    agent.out = [];
    adoptManifest(agent);
    dispatch(agent, event);
    closeOverdue(agent);
    return agent.out;
  }

  /** When to send `timeout` next. */
  deadline(): { atMs: number; reason: string } | undefined {
    const atMs = revealDeadline(this.#agent);
    return atMs === undefined ? undefined : { atMs, reason: 'reveal' };
  }
}

function dispatch(agent: Agent, event: AgentEvent): void {
  switch (event.kind) {
    case 'message':
      return onMessage(agent, event.envelope);
    case 'admitted':
      return answers(agent, event) ? onAdmitted(agent, event.slot) : undefined;
    case 'refused':
      if (answers(agent, event)) onRefusedByApp(agent, event.slot, event.refusal);
      return;
    case 'encoded':
      return answers(agent, event) ? onEncoded(agent, event.slot, event.words) : undefined;
    case 'accepted':
      return onAccepted(agent, event.slot, event.acceptanceSig);
    case 'rejected':
      return alarm(agent, 'upload-rejected', { slot: event.slot, because: event.code });
    case 'ledger-head':
      if (agent.epoch) send(agent, { type: 'LedgerHead', value: event.head });
      return;
    case 'connected':
    case 'disconnected':
    case 'timeout':
      return;
    default:
      event satisfies never;
  }
}

/** A late answer about the same slot number of an older epoch must not speak for this one. */
function answers(agent: Agent, { slot, transcript }: AskedRound): boolean {
  const pinned = agent.slots.get(slot)?.pin?.transcript;
  return pinned !== undefined && equalBytes(pinned, transcript);
}

type Handlers = {
  readonly [T in MessageType]?: (agent: Agent, message: MessageOf[T]) => void;
};

const HANDLERS: Handlers = {
  Welcome: onWelcome,
  HelloSet: onHelloSet,
  ConfirmSet: onConfirmSet,
  KemPks: onKemPks,
  RoundOpen: onRoundOpen,
  Proposal: onProposal,
  AbortAsk: onAbortAsk,
  AbortCertificate: onAbortCertificate,
  Certificate: onCertificate,
  RoundResult: onRoundResult,
};

function onMessage(agent: Agent, envelope: Envelope): void {
  if (envelope.type === 'KemCt') return onKemCt(agent, envelope);
  handleAs(agent, envelope.type, envelope);
}

function handleAs<T extends MessageType>(agent: Agent, type: T, envelope: Envelope): void {
  const handler = HANDLERS[type];
  if (!handler) return alarm(agent, 'message-unexpected', { type });
  const { ports, manifest } = agent.options;
  if (!signedByAny(ports.signer, manifest.coordinatorKeys, envelope)) {
    return alarm(agent, 'message-forged', { type });
  }
  const n = agent.epoch?.roster.params.n ?? manifest.agents.length;
  const size = SETUP_TYPES.has(type) ? Math.min(manifest.agents.length, COMPLETE_MAX) : n;
  const message = readMessage(ports.codec, { type, body: envelope.body }, size);
  if (!message) return alarm(agent, 'message-malformed', { type });
  const { slot } = message as { slot?: number };
  if (slot !== undefined && slot >= manifest.slotsPerEpoch) {
    return alarm(agent, 'slot-unknown', { type, slot });
  }
  handler(agent, message);
}

const SETUP_TYPES: ReadonlySet<MessageType> = new Set(['Welcome', 'HelloSet', 'ConfirmSet']);
