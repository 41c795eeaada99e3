import type { Secret } from '../../secret.ts';
import { signEnvelope } from '../envelope.ts';
import type { Roster } from '../hello-set.ts';
import type { Manifest } from '../manifest.ts';
import type {
  Envelope,
  RefusedCode,
  Signed,
  SurvivorCertificate,
  SurvivorSet,
} from '../message.ts';
import { COORDINATOR, type MessageOf, type MessageType, type RoundOpen } from '../message.ts';
import type { Identity, Ports } from '../port.ts';
import type { Roots } from '../ratchet.ts';
import { type Put, packRecord } from '../record.ts';
import type { AgentEffect, UploadLicence } from './event.ts';

/** What an agent's machine is built from. */
export interface AgentOptions {
  readonly ports: Ports;
  readonly identity: Identity;
  readonly manifest: Manifest;
  /** SHA-256 of the manifest's exact bytes. */
  readonly manifestHash: Uint8Array;
  /** Own position in the manifest. */
  readonly member: number;
  readonly config: AgentConfig;
}

/** How long the agent waits and what it keeps. All local: no peer depends on them. */
export interface AgentConfig {
  /** A slot without a result closes this long after it was pinned (T_reveal). */
  readonly revealWaitMs: number;
  /** Attempts at one round. Default 3. */
  readonly attemptsMax: number;
  /** Uploads are kept for this many slots after the close. Default 2. */
  readonly auditRetention: number;
  /** Validity of a delegated key, from the making of a Hello. */
  readonly delegationSeconds: number;
}

/** Keys and bytes of a Hello that waits for its HelloSet and ConfirmSet. Persisted. */
export interface Setup {
  readonly epochNumber: number;
  readonly attempt: number;
  readonly hello: Signed;
  readonly sigSeed: Uint8Array;
  readonly dhSk: Uint8Array;
  readonly kemSk: Uint8Array;
  readonly kemPk: Uint8Array;
  /** Set once confirmed. */
  readonly confirmed?: { readonly roster: Roster; readonly confirm: Signed };
}

/** The active epoch. Persisted. */
export interface Epoch {
  readonly roster: Roster;
  /** Own roster position. */
  readonly self: number;
  readonly sigSeed: Uint8Array;
  /** Until every pair key is made; then the roots replace it. */
  pending: Pending | null;
  /** KemCts sent to peers above, kept for re-sending. */
  readonly sentCts: Signed[];
}

/** Private keys of an epoch whose key agreement is not finished. */
export interface Pending {
  readonly dhSk: Uint8Array;
  readonly kemSk: Uint8Array;
  readonly pairs: PendingPair[];
}

/** Roots of slot 0 towards one peer (roster position) that was agreed with already. */
export interface PendingPair {
  readonly peer: number;
  readonly edge: Uint8Array;
  readonly channelTo: Uint8Array;
  readonly channelFrom: Uint8Array;
}

/** Registers of one slot; each is write-once and durable before the message it licenses. */
export interface Slot {
  pin?: Pin;
  sent?: Sent;
  vote?: Vote;
  opened?: Opened;
  closed?: 'result' | 'aborted' | 'skipped' | 'burned';
  /** The masked vector, until auditRetention slots after the close. */
  y?: Uint8Array;
  /** The coordinator's signature over H("accepted", hdr). */
  accepted?: Uint8Array;
  /** In memory only: how far the contribution is. Absent: not taking part, or nothing yet. */
  stage?: 'admitting' | 'encoding';
}

/** The one round that a slot stands for: its RoundOpen and transcript hash T. */
export interface Pin {
  readonly open: RoundOpen;
  readonly transcript: Uint8Array;
  readonly atMs: number;
  /** All protocol checks passed: this agent may contribute. */
  readonly takesPart: boolean;
}

/** The upload of a slot: its header hash and the signed header. */
export interface Sent {
  readonly hdr: Uint8Array;
  readonly header: Signed;
}

/** The one vote of a slot, abort or survivor set, with the signature that was given. */
export type Vote =
  | { readonly kind: 'abort'; readonly sig: Uint8Array }
  | { readonly kind: 'survivors'; readonly set: SurvivorSet; readonly sig: Uint8Array };

/** The one certificate that shares were revealed against, and the Reveal. */
export interface Opened {
  readonly certificate: SurvivorCertificate;
  readonly reveal: Signed;
}

/** Keys of one slot by peer position; channels include the one to itself. */
export interface SlotKeys {
  readonly edge: ReadonlyMap<number, Uint8Array>;
  readonly channelTo: ReadonlyMap<number, Uint8Array>;
  readonly channelFrom: ReadonlyMap<number, Uint8Array>;
}

/** The machine's whole state, handed to every phase. `out` collects the effects of one event. */
export interface Agent {
  readonly options: AgentOptions;
  localSecret?: Secret;
  /** The manifest whose records these are; undefined before the first event of a new agent. */
  adopted?: { readonly version: number; readonly manifestHash: Uint8Array };
  /** Highest (epoch number, attempt) confirmed under this manifest. */
  confirmedPair: { readonly epochNumber: number; readonly attempt: number };
  setup?: Setup;
  epoch?: Epoch;
  /** Roots of the lowest open slot; absent while the epoch is incomplete. */
  roots?: { readonly base: number; readonly at: Roots };
  readonly slots: Map<number, Slot>;
  /** Published bundles by slot: the exact bytes and their hash. */
  readonly bundles: Map<number, { readonly signed: Signed; readonly hash: Uint8Array }>;
  /** Highest uploaded (round, attempt) by run. */
  readonly runs: Map<string, { readonly round: number; readonly attempt: number }>;
  /** In memory: roots and keys derived ahead. */
  readonly rootsAhead: Map<number, Roots>;
  readonly keys: Map<number, SlotKeys>;
  /** Every persisted key, so that an old epoch can be deleted. */
  readonly recordKeys: Set<string>;
  nowMs: number;
  out: AgentEffect[];
}

/** Appends one durable transaction. A value of undefined deletes. */
export function persist(
  agent: Agent,
  records: Record<string, unknown>,
  licence?: UploadLicence,
): void {
  const puts: Put[] = Object.entries(records).map(([key, value]) => {
    if (value === undefined) agent.recordKeys.delete(key);
    else agent.recordKeys.add(key);
    return { key, value: value === undefined ? null : packRecord(value) };
  });
  agent.out.push(licence ? { kind: 'persist', puts, licence } : { kind: 'persist', puts });
}

/** Sends a message with the ordinary signature of the epoch (or of `seed`). */
export function send<T extends MessageType>(
  agent: Agent,
  { type, value, seed }: { type: T; value: MessageOf[T]; seed?: Uint8Array },
): void {
  const { ports, member } = agent.options;
  const key = seed ?? agent.epoch?.sigSeed ?? agent.setup?.sigSeed;
  if (!key) throw new Error(`no key to sign ${type}`);
  sendEnvelope(agent, signEnvelope(ports, { type, value, seed: key, sender: member }));
}

/** Sends bytes that are signed already. */
export function sendSigned(agent: Agent, type: MessageType, signed: Signed): void {
  sendEnvelope(agent, { type, ...signed, sender: agent.options.member });
}

/** Sends what is signed already. Throws when it names the coordinator as sender. */
export function sendEnvelope(agent: Agent, envelope: Envelope): void {
  if (envelope.sender === COORDINATOR) throw new Error('an agent does not send as coordinator');
  agent.out.push({ kind: 'send', envelope });
}

/** Tells the coordinator no, with the highest numbers this agent has used. */
export function sendRefused(
  agent: Agent,
  code: RefusedCode | (string & {}),
  about: { slot: number; runId?: string },
): void {
  const run = about.runId === undefined ? undefined : agent.runs.get(about.runId);
  const { epochNumber, attempt } = agent.confirmedPair;
  const epochOnly = code === 'epoch-old';
  const value = {
    epoch: agent.epoch?.roster.ctx ?? new Uint8Array(0),
    slot: about.slot,
    code,
    epochNumber,
    highestSlot: Math.max(0, highestPinned(agent)),
    round: run?.round ?? 0,
    attempt: epochOnly ? attempt : (run?.attempt ?? 0),
  };
  if (agent.epoch ?? agent.setup) send(agent, { type: 'Refused', value });
}

/** The register set of a slot, made on first use. */
export function slotOf(agent: Agent, slot: number): Slot {
  let found = agent.slots.get(slot);
  if (!found) {
    found = {};
    agent.slots.set(slot, found);
  }
  return found;
}

/** The highest slot with a pinned T, -1 when there is none. */
export function highestPinned(agent: Agent): number {
  let highest = -1;
  for (const [slot, { pin }] of agent.slots) if (pin && slot > highest) highest = slot;
  return highest;
}

/** Reports what only an error or an attack explains; the machine goes on. */
export function alarm(agent: Agent, code: string, facts: Record<string, string | number>): void {
  agent.out.push({ kind: 'alarm', code, facts });
}
