import { concat, equalBytes, fromHex, hex, utf8 } from '../../crypto/bytes.ts';
import { ed25519 } from '../../crypto/ed25519.ts';
import { sha256 } from '../../crypto/hash.ts';
import { identityFromPrivateKey, verifyIdentity } from '../../crypto/identity.ts';
import { isRefusal, refuse } from '../../refusal.ts';
import { Secret } from '../../secret.ts';
import type { AgentEffect, AgentEvent, Closed } from '../agent/event.ts';
import { AgentMachine } from '../agent/machine.ts';
import type { CoordinatorEffect, CoordinatorEvent, RoundWanted } from '../coordinator/event.ts';
import { CoordinatorMachine } from '../coordinator/machine.ts';
import { signEnvelope } from '../envelope.ts';
import type { Manifest } from '../manifest.ts';
import type { Envelope, MessageOf, MessageType, RoundOpen } from '../message.ts';
import { COORDINATOR } from '../message.ts';
import { deriveParameters } from '../parameters.ts';
import type { Identity, Kem, Ports } from '../port.ts';
import { type Put, unpackRecord } from '../record.ts';
import { recordCodec } from './codec.ts';
import { seededKem } from './kem.ts';
import { START_MS, testManifest } from './manifest.ts';
import { SeededRandom } from './random.ts';

const PKCS8_ED25519 = fromHex('302e020100300506032b657004220420');

/** Size and seed of a federation; `length` is the number of data elements of a sum. */
export interface FederationOptions {
  readonly n: number;
  readonly seed: number;
  readonly manifest?: Partial<Manifest>;
  readonly length?: number;
  readonly kem?: Kem;
}

/** One event on its way to a machine; a number is a position in the manifest. */
export type Delivery =
  | { readonly to: 'coordinator'; readonly event: Untimed<CoordinatorEvent> }
  | { readonly to: number; readonly event: Untimed<AgentEvent> };

/** A link is first in, first out; which link moves next is random. */
interface Link {
  readonly queue: Delivery[];
}

/** Everything the machines said and did, for assertions. */
export interface Observed {
  readonly results: Extract<CoordinatorEffect, { kind: 'result' }>[];
  readonly failures: Extract<CoordinatorEffect, { kind: 'failed' }>[];
  readonly openRefusals: Extract<CoordinatorEffect, { kind: 'open-refused' }>[];
  readonly alarms: { readonly who: number | 'coordinator'; readonly code: string }[];
  readonly refusals: Extract<CoordinatorEffect, { kind: 'refused' }>[];
  readonly rejects: Extract<CoordinatorEffect, { kind: 'reject' }>[];
  readonly closed: { readonly member: number; readonly closed: Closed }[];
  /** By "ctx/slot/member": every distinct upload, vote and reveal that was sent. */
  readonly uploads: Map<string, Map<string, Uint8Array>>;
  readonly sent: Map<string, Set<string>>;
  /** Integers that went into each upload, by "ctx/slot/member". */
  readonly inputs: Map<string, Int32Array>;
  readonly charges: Set<string>;
}

/**
 * A whole federation in memory: real machines, seeded randomness, a virtual clock. Crashes lose
 * everything but the records of finished persist effects.
 */
export class Federation {
  readonly observed: Observed = {
    results: [],
    failures: [],
    openRefusals: [],
    alarms: [],
    refusals: [],
    rejects: [],
    closed: [],
    uploads: new Map(),
    sent: new Map(),
    inputs: new Map(),
    charges: new Set(),
  };
  readonly manifest: Manifest;
  readonly manifestHash: Uint8Array;
  readonly random: SeededRandom;
  readonly agents: AgentMachine[] = [];
  readonly agentStores: Map<string, Uint8Array>[] = [];
  readonly coordinatorStore = new Map<string, Uint8Array>();
  readonly connected = new Set<number>();
  readonly #links = new Map<string, Link>();
  readonly #options: FederationOptions;
  readonly #identities: Identity[];
  readonly #coordinatorSeed: Uint8Array;
  coordinator: CoordinatorMachine;
  nowMs = START_MS;
  /** Sees every delivery first; false drops it. May crash, disconnect or tamper. */
  onDeliver: (delivery: Delivery) => boolean = () => true;
  /** Sees every finished persist effect; true kills the process there and restarts it. */
  onPersist: (who: number | 'coordinator') => boolean = () => false;
  /** Integers of a contribution, noise included. */
  vector: (member: number, open: RoundOpen) => Int32Array;
  /** Refusal code of the app, or undefined to admit. */
  admission: (member: number, open: RoundOpen) => string | undefined = () => undefined;

  constructor(options: FederationOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed, 'driver');
    const keys = new SeededRandom(options.seed, 'keys');
    this.#identities = Array.from({ length: options.n }, () =>
      identityFromPrivateKey(concat(PKCS8_ED25519, keys.bytes(32))),
    );
    this.#coordinatorSeed = keys.bytes(32);
    this.manifest = testManifest(this.#identities, this.#coordinatorSeed, options.manifest);
    this.manifestHash = sha256(utf8(JSON.stringify(options.seed)));
    this.vector = (_, open) =>
      Int32Array.from({ length: open.vec.length }, () => this.random.int32());
    for (let member = 0; member < options.n; member++) {
      this.agentStores.push(new Map());
      this.agents.push(this.#newAgent(member));
    }
    this.coordinator = this.#newCoordinator();
  }

  connect(...members: number[]): void {
    for (const member of members) {
      if (this.connected.has(member)) continue;
      this.connected.add(member);
      this.tell('coordinator', { kind: 'connected', member });
      this.tell(member, { kind: 'connected' });
    }
  }

  connectAll(): void {
    this.connect(...this.agents.keys());
  }

  /** Cuts the connection and loses what was on the way. */
  disconnect(member: number): void {
    if (!this.connected.delete(member)) return;
    for (const key of [`up/${member}`, `down/${member}`]) this.#links.delete(key);
    this.tell('coordinator', { kind: 'disconnected', member });
    this.tell(member, { kind: 'disconnected' });
  }

  /** kill -9 and start again from disk; connects when `online`. */
  restartAgent(member: number, { online = true } = {}): void {
    this.disconnect(member);
    this.#links.delete(`local/${member}`);
    this.agents[member] = this.#newAgent(member);
    if (online) this.connect(member);
  }

  /** The disk is gone too. */
  wipeAgent(member: number): void {
    this.agentStores[member]!.clear();
    this.restartAgent(member);
  }

  /** kill -9 of the coordinator; every connection breaks and comes back. */
  restartCoordinator(): void {
    const members = [...this.connected];
    this.#links.clear();
    this.connected.clear();
    this.coordinator = this.#newCoordinator();
    for (const member of members) this.tell(member, { kind: 'disconnected' });
    this.connect(...members);
  }

  open(round: Partial<RoundWanted> & { round: number }): void {
    this.tell('coordinator', { kind: 'open', round: this.wanted(round) });
  }

  wanted(round: Partial<RoundWanted> & { round: number }): RoundWanted {
    const params = deriveParameters(this.manifest, this.manifest.agents.length);
    if (isRefusal(params)) throw new Error(params.refused);
    return {
      runId: 'run-1',
      attempt: 1,
      modelHash: new Uint8Array(32).fill(1),
      planHash: new Uint8Array(32).fill(2),
      mechanism: {
        id: 'ddg-test',
        clipNorm: 1,
        scale: 100,
        sensitivity: 100,
        shareVariance: 400,
        nMin: params.nMin,
        c: params.c,
      },
      vec: { kind: 'test', length: this.#options.length ?? 20, ringBits: 32 },
      ...round,
    };
  }

  /** Delivers until nothing is on the way. */
  pump(): void {
    for (let steps = 0; ; steps++) {
      if (steps > 1_000_000) throw new Error('no end of messages');
      const busy = [...this.#links].filter(([, { queue }]) => queue.length > 0);
      if (busy.length === 0) return;
      const [, link] = busy[this.random.below(busy.length)]!;
      const delivery = link.queue.shift()!;
      if (this.onDeliver(delivery)) this.#deliver(delivery);
    }
  }

  /** Delivers, then lets deadlines pass one by one, until `done` or nothing is left to wait for. */
  settle(done: () => boolean = () => false): void {
    for (let waits = 0; waits < 200; waits++) {
      this.pump();
      if (done()) return;
      const deadlines = [this.coordinator, ...this.agents]
        .map((machine) => machine.deadline()?.atMs)
        .filter((at) => at !== undefined);
      if (deadlines.length === 0) return;
      this.nowMs = Math.max(this.nowMs, Math.min(...deadlines));
      this.tell('coordinator', { kind: 'timeout' });
      for (const member of this.agents.keys()) this.tell(member, { kind: 'timeout' });
    }
    throw new Error('deadlines never end');
  }

  /** One round to its end; its result or its failure. */
  runRound(round: Partial<RoundWanted> & { round: number }) {
    const { results, failures, openRefusals } = this.observed;
    const before = results.length + failures.length + openRefusals.length;
    this.open(round);
    const ended = () => results.length + failures.length + openRefusals.length > before;
    this.settle(ended);
    if (!ended()) throw new Error('the round did not end');
    this.pump();
    return results.at(-1);
  }

  /** Like `runRound`, but a round that a crash of the coordinator swallowed is no error. */
  tryRound(round: Partial<RoundWanted> & { round: number }) {
    const { results, failures, openRefusals } = this.observed;
    const before = [results.length, failures.length + openRefusals.length];
    this.open(round);
    this.settle(
      () => results.length > before[0]! || failures.length + openRefusals.length > before[1]!,
    );
    this.pump();
    return results.length > before[0]! ? results.at(-1) : undefined;
  }

  /** What a coordinator with its own key would send: the attacker's pen. */
  forge<T extends MessageType>(type: T, value: MessageOf[T]): Envelope {
    const ports = { codec: recordCodec, signer: ed25519 };
    return signEnvelope(ports, { type, value, seed: this.#coordinatorSeed, sender: COORDINATOR });
  }

  /** Changes every message of a type on its way to an agent; undefined leaves one as it is. */
  tamper<T extends MessageType>(
    type: T,
    change: (value: MessageOf[T], member: number) => MessageOf[T] | undefined,
  ): void {
    this.onDeliver = ({ to, event }) => {
      if (to === 'coordinator' || event.kind !== 'message') return true;
      const { envelope } = event;
      if (envelope.type !== type) return true;
      const changed = change(read(type, envelope.body), to);
      if (!changed) return true;
      this.tell(to, { kind: 'message', envelope: this.forge(type, changed) });
      return false;
    };
  }

  /** ctx of the epoch an agent is in, from its records. */
  epochOf(member: number): Uint8Array {
    const record = this.agentStores[member]!.get('epoch');
    if (!record) throw new Error(`agent ${member} has no epoch`);
    return unpackRecord<{ roster: { ctx: Uint8Array } }>(record).roster.ctx;
  }

  /** Nothing is under way and the coordinator waits for no deadline. */
  idle(): boolean {
    return this.coordinator.deadline() === undefined;
  }

  /** An event straight to a machine. */
  tell(to: 'coordinator', event: Untimed<CoordinatorEvent>): void;
  tell(to: number, event: Untimed<AgentEvent>): void;
  tell(to: 'coordinator' | number, event: Untimed<CoordinatorEvent> | Untimed<AgentEvent>): void {
    this.#deliver({ to, event } as Delivery);
  }

  #deliver({ to, event }: Delivery): void {
    const timed = { ...event, atMs: this.nowMs };
    if (to === 'coordinator') {
      for (const effect of this.coordinator.handle(timed as CoordinatorEvent)) {
        this.#performCoordinator(effect);
        if (effect.kind === 'persist' && this.onPersist(to)) return this.restartCoordinator();
      }
      return;
    }
    for (const effect of this.agents[to]!.handle(timed as AgentEvent)) {
      this.#performAgent(to, effect);
      if (effect.kind === 'persist' && this.onPersist(to)) return this.restartAgent(to);
    }
  }

  #performCoordinator(effect: CoordinatorEffect): void {
    const { observed } = this;
    switch (effect.kind) {
      case 'persist':
        return apply(this.coordinatorStore, effect.puts);
      case 'send':
        return this.#down(effect.to, { kind: 'message', envelope: effect.envelope });
      case 'accept':
        return this.#down(effect.member, {
          kind: 'accepted',
          slot: effect.slot,
          acceptanceSig: effect.acceptance,
        });
      case 'reject':
        observed.rejects.push(effect);
        return this.#down(effect.member, {
          kind: 'rejected',
          slot: effect.slot,
          code: effect.code,
        });
      case 'result':
        observed.results.push(effect);
        return;
      case 'failed':
        observed.failures.push(effect);
        return;
      case 'open-refused':
        observed.openRefusals.push(effect);
        return;
      case 'refused':
        observed.refusals.push(effect);
        return;
      case 'alarm':
        observed.alarms.push({ who: 'coordinator', code: effect.code });
        return;
      default:
    }
  }

  #performAgent(member: number, effect: AgentEffect): void {
    const { observed } = this;
    const local = (event: Untimed<AgentEvent>) =>
      this.#push(`local/${member}`, { to: member, event });
    switch (effect.kind) {
      case 'persist':
        apply(this.agentStores[member]!, effect.puts);
        if (effect.licence) observed.charges.add(keyOf(effect.licence.open, member));
        return;
      case 'send':
        this.#noteSent(member, effect.envelope);
        return this.#up(member, { kind: 'message', member, envelope: effect.envelope });
      case 'admit': {
        const { slot, transcript } = effect;
        const code = this.admission(member, effect.open);
        if (code) local({ kind: 'refused', slot, transcript, refusal: refuse(code) });
        else local({ kind: 'admitted', slot, transcript });
        return;
      }
      case 'contribute': {
        const words = this.vector(member, effect.open);
        observed.inputs.set(keyOf(effect.open, member), words);
        const { slot, transcript } = effect;
        return local({ kind: 'encoded', slot, transcript, words });
      }
      case 'upload':
        return this.#upload(member, effect);
      case 'closed':
        observed.closed.push({ member, closed: effect });
        return;
      case 'alarm':
        observed.alarms.push({ who: member, code: effect.code });
        return;
      default:
    }
  }

  #upload(member: number, effect: Extract<AgentEffect, { kind: 'upload' }>): void {
    const { envelope, body } = effect;
    const header = read('Upload', envelope.body);
    const key = `${hex(header.epoch)}/${header.slot}/${member}`;
    const seen = this.observed.uploads.get(key) ?? new Map<string, Uint8Array>();
    this.observed.uploads.set(key, seen.set(hex(envelope.sig), body));
    if (!equalBytes(sha256(body), header.bodyHash)) throw new Error('body and header differ');
    this.#up(member, { kind: 'uploaded', uploads: [{ member, envelope, body }] });
  }

  #noteSent(member: number, { type, body }: Envelope): void {
    if (type !== 'Ack' && type !== 'Abort' && type !== 'Reveal' && type !== 'Bundle') return;
    const message = read(type, body);
    const kind = type === 'Abort' || type === 'Ack' ? 'vote' : type;
    const key = `${kind}/${hex(message.epoch)}/${message.slot}/${member}`;
    const seen = this.observed.sent.get(key) ?? new Set();
    this.observed.sent.set(key, seen.add(hex(sha256(utf8(type), body))));
  }

  #up(member: number, event: Untimed<CoordinatorEvent>): void {
    if (this.connected.has(member)) this.#push(`up/${member}`, { to: 'coordinator', event });
  }

  #down(member: number, event: Untimed<AgentEvent>): void {
    if (this.connected.has(member)) this.#push(`down/${member}`, { to: member, event });
  }

  #push(key: string, delivery: Delivery): void {
    const link = this.#links.get(key) ?? { queue: [] };
    this.#links.set(key, link);
    link.queue.push(delivery);
  }

  #ports(name: string): Ports {
    // A restarted process draws fresh randomness, so its stream depends on the time as well.
    const random = new SeededRandom(this.#options.seed, `${name}/${this.random.int32()}`);
    const randomBytes = (length: number) => random.bytes(length);
    const kem = this.#options.kem ?? seededKem(randomBytes);
    return { codec: recordCodec, signer: ed25519, kem, verifyIdentity, randomBytes };
  }

  #newAgent(member: number): AgentMachine {
    const machine = new AgentMachine({
      ports: this.#ports(`agent/${member}`),
      identity: this.#identities[member]!,
      manifest: this.manifest,
      manifestHash: this.manifestHash,
      member,
      config: {
        revealWaitMs: 600_000,
        attemptsMax: 3,
        auditRetention: 2,
        delegationSeconds: 30 * 86_400,
      },
    });
    machine.restore(this.agentStores[member]!);
    return machine;
  }

  #newCoordinator(): CoordinatorMachine {
    const machine = new CoordinatorMachine({
      ports: this.#ports('coordinator'),
      manifest: this.manifest,
      manifestHash: this.manifestHash,
      signSeed: new Secret(this.#coordinatorSeed),
      config: {
        setupMs: 10_000,
        uploadMs: 60_000,
        ackMs: 10_000,
        revealMs: 20_000,
        inlineSumBytesMax: 1 << 20,
      },
    });
    machine.restore(this.coordinatorStore);
    return machine;
  }
}

/** The envelope of a delivered message, if it is one. */
export function envelopeIn({ event }: Delivery): Envelope | undefined {
  return event.kind === 'message' ? event.envelope : undefined;
}

/** An event before the virtual clock stamps it. */
export type Untimed<E> = E extends unknown ? Omit<E, 'atMs'> : never;

/** "ctx/slot/member" */
export function keyOf(open: RoundOpen, member: number): string {
  return `${hex(open.epoch)}/${open.slot}/${member}`;
}

/** The message in a body that a test made or saw. */
export function read<T extends MessageType>(type: T, body: Uint8Array): MessageOf[T] {
  const message = recordCodec.decode(type, body);
  if (isRefusal(message)) throw new Error(`${type} does not parse`);
  return message;
}

function apply(store: Map<string, Uint8Array>, puts: readonly Put[]): void {
  for (const { key, value } of puts) {
    if (value) store.set(key, value);
    else store.delete(key);
  }
}
