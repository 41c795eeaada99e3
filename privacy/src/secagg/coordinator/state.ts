import type { Secret } from '../../secret.ts';
import { signEnvelope } from '../envelope.ts';
import type { Roster } from '../hello-set.ts';
import type { Manifest } from '../manifest.ts';
import type {
  Bundle,
  Hello,
  LedgerHead,
  Proposal,
  Reveal,
  RoundOpen,
  Signed,
  SurvivorCertificate,
  Upload,
} from '../message.ts';
import { COORDINATOR, type Envelope, type MessageOf, type MessageType } from '../message.ts';
import type { Ports } from '../port.ts';
import { type Put, packRecord } from '../record.ts';
import type { CoordinatorEffect, SlotFailed } from './event.ts';

/** What the coordinator's machine is built from. */
export interface CoordinatorOptions {
  readonly ports: Ports;
  readonly manifest: Manifest;
  /** SHA-256 of the manifest's exact bytes. */
  readonly manifestHash: Uint8Array;
  /** Ed25519 seed of one of the manifest's coordinator keys. */
  readonly signSeed: Secret;
  readonly config: CoordinatorConfig;
}

/** How long each phase waits; all in milliseconds. */
export interface CoordinatorConfig {
  readonly setupMs: number;
  readonly uploadMs: number;
  readonly ackMs: number;
  readonly revealMs: number;
  /** A longer sum is not sent in RoundResult but fetched. Default 1 MiB. */
  readonly inlineSumBytesMax: number;
}

/** A verified Hello, with the ML-KEM key once it has followed. */
export interface SetupHello {
  readonly signed: Signed;
  readonly hello: Hello;
  kemPk?: Uint8Array;
}

/** An epoch in the making. Not persisted: after a crash the next attempt starts afresh. */
export interface Setup {
  readonly epochNumber: number;
  readonly attempt: number;
  deadlineMs: number;
  readonly hellos: Map<number, SetupHello>;
  /** Members that failed the last attempt and sit this one out when the rest suffices. */
  readonly sitOut: ReadonlySet<number>;
  /** Once enough said Hello. */
  agreed?: { readonly roster: Roster; readonly helloSet: Envelope };
  readonly confirms: Map<number, Signed>;
}

/** A verified bundle and the hash that a RoundOpen lists for it. */
export interface StoredBundle {
  readonly bundle: Bundle;
  readonly hash: Uint8Array;
}

/** The active epoch. Positions are those of its roster. */
export interface Epoch {
  readonly roster: Roster;
  readonly confirmSet: Envelope;
  /** By roster position; empty when the manifest's kem is "none". */
  readonly kemPks: readonly Uint8Array[];
  /** By "from/to". */
  readonly kemCts: Map<string, Envelope>;
  readonly bundles: Map<number, Map<number, StoredBundle>>;
  /** Roster positions that published at least one bundle. */
  readonly ready: Set<number>;
  nextSlot: number;
  /** When the missing ciphertexts make the coordinator give the epoch up. */
  readyByMs?: number;
  /** Members that asked for another epoch, with the rounds since. */
  readonly wants: Map<number, number>;
  /** The largest floor of a round that could not be opened. In memory only. */
  nMinWanted: number;
  /** Rounds in a row with 5% of the roster or more missing. */
  thinRounds: number;
  /** RoundResult or AbortCertificate of each slot that has one. */
  readonly outcomes: Map<number, Envelope>;
  /** Abort signatures by slot and roster position. */
  readonly aborts: Map<number, Map<number, Uint8Array>>;
}

/** What is kept of an upload after its vector went into the sum. */
export interface FoldedUpload {
  readonly upload: Upload;
  readonly sig: Uint8Array;
  readonly hdr: Uint8Array;
}

/** The open slot. Phases: upload -> ack -> reveal -> result, or abort. */
export interface OpenSlot {
  readonly open: RoundOpen;
  readonly transcript: Uint8Array;
  /** P, ascending roster positions. */
  readonly participants: readonly number[];
  phase: 'upload' | 'ack' | 'reveal' | 'abort';
  /** Absent after a restart, until the first event sets it. */
  deadlineMs?: number;
  readonly sum: Uint32Array;
  readonly uploads: Map<number, FoldedUpload>;
  readonly refused: Set<number>;
  proposal?: Proposal;
  readonly acks: Map<number, Uint8Array>;
  certificate?: SurvivorCertificate;
  readonly reveals: Map<number, Reveal>;
  failure?: SlotFailed['code'];
}

/** The machine's whole state, handed to every phase. `out` collects the effects of one event. */
export interface Coordinator {
  readonly options: CoordinatorOptions;
  readonly connected: Set<number>;
  readonly ledgerHeads: Map<number, LedgerHead>;
  /** Hash of the manifest whose records these are. */
  adopted?: Uint8Array;
  /** The highest (epoch number, attempt) announced under this manifest. */
  highest: { readonly epochNumber: number; readonly attempt: number };
  setup?: Setup;
  epoch?: Epoch;
  slot?: OpenSlot;
  readonly recordKeys: Set<string>;
  nowMs: number;
  out: CoordinatorEffect[];
}

/** Appends one durable transaction. A value of undefined deletes. */
export function persist(machine: Coordinator, records: Record<string, unknown>): void {
  const puts: Put[] = Object.entries(records).map(([key, value]) => {
    if (value === undefined) machine.recordKeys.delete(key);
    else machine.recordKeys.add(key);
    return { key, value: value === undefined ? null : packRecord(value) };
  });
  if (puts.length > 0) machine.out.push({ kind: 'persist', puts });
}

/** Deletions of every record whose key matches. */
export function deletions(machine: Coordinator, pattern: RegExp): Record<string, undefined> {
  const keys = [...machine.recordKeys].filter((key) => pattern.test(key));
  return Object.fromEntries(keys.map((key) => [key, undefined]));
}

/** A message with the coordinator's ordinary signature. */
export function sealed<T extends MessageType>(
  machine: Coordinator,
  type: T,
  value: MessageOf[T],
): Envelope {
  const { ports, signSeed } = machine.options;
  return signEnvelope(ports, { type, value, seed: signSeed.reveal(), sender: COORDINATOR });
}

/** Sends to one connected member; to one that is away, nothing: it is told when it returns. */
export function sendTo(machine: Coordinator, member: number, envelope: Envelope): void {
  if (machine.connected.has(member)) machine.out.push({ kind: 'send', to: member, envelope });
}

/** Sends to every connected member of the active epoch's roster. */
export function sendRoster(machine: Coordinator, envelope: Envelope): void {
  for (const member of machine.epoch?.roster.members ?? []) sendTo(machine, member, envelope);
}

/** Reports what only an error or an attack explains; the machine goes on. */
export function alarm(
  machine: Coordinator,
  code: string,
  facts: Record<string, string | number>,
): void {
  machine.out.push({ kind: 'alarm', code, facts });
}

/** The coordinator's labelled signature. */
export function signStatement(machine: Coordinator, statement: Uint8Array): Uint8Array {
  const { ports, signSeed } = machine.options;
  return ports.signer.sign(signSeed.reveal(), statement);
}
