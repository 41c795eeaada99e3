import { concat, equalBytes } from '../../crypto/bytes.ts';
import { H } from '../../crypto/hash.ts';
import { x25519, x25519PublicKey } from '../../crypto/x25519.ts';
import { isRefusal } from '../../refusal.ts';
import { readMessage, signEnvelope, signedByAny, signedPart } from '../envelope.ts';
import { checkHelloSet } from '../hello-set.ts';
import type { Confirm, ConfirmSet, Envelope, HelloSet, KemPks, Welcome } from '../message.ts';
import { kemCiphertextHash, pairRoots } from '../ratchet.ts';
import { delegationStatement } from '../statement.ts';
import { publishBundles } from './bundle.ts';
import { giveUp } from './close.ts';
import { rootsRecord } from './keys.ts';
import {
  type Agent,
  alarm,
  type PendingPair,
  persist,
  send,
  sendRefused,
  sendSigned,
} from './state.ts';

const NOTHING = new Uint8Array(0);

/**
 * Records under another manifest: its epoch ends, its numbers no longer count. Throws when the
 * version went back, which no agent ever does (section 3).
 */
export function adoptManifest(agent: Agent): void {
  const { manifest, manifestHash } = agent.options;
  const { adopted } = agent;
  if (adopted && equalBytes(adopted.manifestHash, manifestHash)) return;
  if (adopted && adopted.version >= manifest.version) {
    throw new Error(`manifest ${manifest.version} does not follow ${adopted.version}`);
  }
  leaveEpoch(agent);
  delete agent.epoch;
  delete agent.setup;
  agent.confirmedPair = { epochNumber: 0, attempt: 0 };
  agent.adopted = { version: manifest.version, manifestHash };
  const gone = { epoch: undefined, setup: undefined, confirmed: undefined };
  persist(agent, { ...gone, manifest: agent.adopted });
}

/** Welcome of SECAGG.md section 5: says Hello, asks for an epoch, or refills bundles. */
export function onWelcome(agent: Agent, welcome: Welcome): void {
  agent.out.push({ kind: 'ledger-head', head: welcome.ledgerHead });
  const { setupEpochNumber: epochNumber, setupAttempt: attempt } = welcome;
  const active = agent.epoch?.roster.ctx;
  const member = active !== undefined && equalBytes(active, welcome.epoch);
  if (member) catchUp(agent, welcome);
  if (epochNumber > 0) sayHello(agent, { epochNumber, attempt });
  else if (!member && !awaitsConfirmSet(agent, welcome.epoch)) {
    const known = Math.max(welcome.epochNumber, agent.confirmedPair.epochNumber);
    sayHello(agent, { epochNumber: known + 1, attempt: 1 });
  }
}

/** HelloSet: every check of section 4, then one Confirm for this (epoch, attempt). */
export function onHelloSet(agent: Agent, set: HelloSet): void {
  const { options, setup, nowMs } = agent;
  if (!setup) return;
  const roster = checkHelloSet(options.ports, options, { hellos: set.hellos, atMs: nowMs });
  if (isRefusal(roster)) return alarm(agent, roster.refused, { of: 'HelloSet' });
  const { epochNumber, attempt } = setup;
  if (roster.epochNumber !== epochNumber || roster.attempt !== attempt) return;
  const own = set.hellos[roster.members.indexOf(options.member)];
  if (!own || !equalBytes(own.body, setup.hello.body)) {
    return alarm(agent, 'hello-replaced', { epochNumber, attempt });
  }
  if (setup.confirmed) {
    if (equalBytes(setup.confirmed.roster.helloSetHash, roster.helloSetHash)) {
      sendSigned(agent, 'Confirm', setup.confirmed.confirm);
    } else alarm(agent, 'split-view', { epochNumber, attempt });
    return;
  }
  const value: Confirm = { epochNumber, attempt, helloSetHash: roster.helloSetHash };
  const seed = setup.sigSeed;
  const sender = options.member;
  const confirm = signedPart(signEnvelope(options.ports, { type: 'Confirm', value, seed, sender }));
  agent.setup = { ...setup, confirmed: { roster, confirm } };
  agent.confirmedPair = { epochNumber, attempt };
  persist(agent, { setup: agent.setup, confirmed: agent.confirmedPair });
  sendSigned(agent, 'Confirm', confirm);
}

/** ConfirmSet: all n confirmed one HelloSet; the new epoch replaces the old one. */
export function onConfirmSet(agent: Agent, set: ConfirmSet): void {
  const { setup, options } = agent;
  const roster = setup?.confirmed?.roster;
  if (!setup || !roster) return;
  const { n } = roster.params;
  const good =
    set.confirms.length === n &&
    set.confirms.every(({ body, sig }, i) => {
      const confirm = readMessage(options.ports.codec, { type: 'Confirm', body }, n);
      return (
        confirm?.epochNumber === roster.epochNumber &&
        confirm.attempt === roster.attempt &&
        equalBytes(confirm.helloSetHash, roster.helloSetHash) &&
        signedByAny(options.ports.signer, [roster.sigPks[i]!], { type: 'Confirm', body, sig })
      );
    });
  if (!good) return alarm(agent, 'confirm-set-invalid', { epochNumber: roster.epochNumber });
  leaveEpoch(agent);
  const { dhSk, kemSk, sigSeed } = setup;
  const self = roster.members.indexOf(options.member);
  agent.epoch = { roster, self, sigSeed, pending: { dhSk, kemSk, pairs: [] }, sentCts: [] };
  delete agent.setup;
  if (options.manifest.kem === 'none') {
    for (let peer = 0; peer < n; peer++) if (peer !== self) addPair(agent, peer, NOTHING);
  }
  persist(agent, { epoch: agent.epoch, setup: undefined });
  completeWhenReady(agent);
}

/** KemPks: encapsulates to every peer above, once; asked again, sends the same ciphertexts. */
export function onKemPks(agent: Agent, { epoch: ctx, keys }: KemPks): void {
  const { epoch, options } = agent;
  if (!epoch || !equalBytes(ctx, epoch.roster.ctx)) return;
  const { roster, self } = epoch;
  if (epoch.pending && epoch.sentCts.length === 0) {
    const above = roster.members.slice(self + 1).map((_, i) => self + 1 + i);
    const sorted = [...keys].sort((a, b) => a.agent - b.agent);
    const good =
      sorted.length === above.length &&
      sorted.every(
        ({ agent: peer, kemPk }, i) =>
          peer === above[i] && equalBytes(H('kem-pk', kemPk), roster.kemPkHashes[peer]!),
      );
    if (!good) return alarm(agent, 'kem-keys-invalid', { epochNumber: roster.epochNumber });
    for (const { agent: peer, kemPk } of sorted) {
      const { sharedKey, ciphertext } = options.ports.kem.encapsulate(kemPk);
      addPair(agent, peer, concat(sharedKey, kemCiphertextHash(ciphertext)));
      const value = { epoch: ctx, from: self, to: peer, ciphertext };
      const sealed = signEnvelope(options.ports, {
        type: 'KemCt',
        value,
        seed: epoch.sigSeed,
        sender: options.member,
      });
      epoch.sentCts.push(signedPart(sealed));
    }
    persist(agent, { epoch });
  }
  for (const signed of epoch.sentCts) sendSigned(agent, 'KemCt', signed);
  completeWhenReady(agent);
}

/** KemCt of a peer below, relayed as it signed it. */
export function onKemCt(agent: Agent, envelope: Envelope): void {
  const { epoch, options } = agent;
  if (!epoch?.pending) return;
  const { roster, self, pending } = epoch;
  const { body } = envelope;
  const ct = readMessage(options.ports.codec, { type: 'KemCt', body }, roster.params.n);
  if (!ct || ct.to !== self || ct.from >= self || !equalBytes(ct.epoch, roster.ctx)) return;
  if (pending.pairs.some(({ peer }) => peer === ct.from)) return;
  if (!signedByAny(options.ports.signer, [roster.sigPks[ct.from]!], envelope)) {
    return alarm(agent, 'kem-ciphertext-forged', { from: roster.members[ct.from]! });
  }
  const shared = options.ports.kem.decapsulate(pending.kemSk, ct.ciphertext);
  addPair(agent, ct.from, concat(shared, kemCiphertextHash(ct.ciphertext)));
  persist(agent, { epoch });
  completeWhenReady(agent);
}

function catchUp(agent: Agent, welcome: Welcome): void {
  publishBundles(agent, welcome.nextSlot, { again: true });
  const open = [...agent.slots].filter(
    ([, { pin, closed }]) => pin && closed !== 'result' && closed !== 'aborted',
  );
  const slots = open.map(([slot]) => slot).filter((slot) => slot < welcome.nextSlot);
  if (slots.length > 0) send(agent, { type: 'SlotAsk', value: { epoch: welcome.epoch, slots } });
}

function awaitsConfirmSet(agent: Agent, ctx: Uint8Array): boolean {
  const roster = agent.setup?.confirmed?.roster;
  return roster !== undefined && equalBytes(roster.ctx, ctx);
}

function sayHello(agent: Agent, wanted: { epochNumber: number; attempt: number }): void {
  const { setup } = agent;
  const { notBefore, notAfter, version } = agent.options.manifest;
  const seconds = agent.nowMs / 1000;
  if (seconds < notBefore || seconds > notAfter) {
    return alarm(agent, 'manifest-expired', { version, notAfter });
  }
  const same = setup?.epochNumber === wanted.epochNumber && setup.attempt === wanted.attempt;
  if (!same) {
    const { epochNumber, attempt } = agent.confirmedPair;
    const above =
      wanted.epochNumber > epochNumber ||
      (wanted.epochNumber === epochNumber && wanted.attempt > attempt);
    if (!above) return sendRefused(agent, 'epoch-old', { slot: 0 });
    makeHello(agent, wanted);
  }
  const { hello, kemPk, sigSeed } = agent.setup!;
  sendSigned(agent, 'Hello', hello);
  if (kemPk.length > 0) {
    send(agent, { type: 'KemPk', value: { ...wanted, kemPk }, seed: sigSeed });
  }
}

function makeHello(agent: Agent, pair: { epochNumber: number; attempt: number }): void {
  const { ports, manifest, manifestHash, identity, member, config } = agent.options;
  const sigSeed = ports.randomBytes(32);
  const dhSk = ports.randomBytes(32);
  const kem = manifest.kem === 'none' ? undefined : ports.kem.generate();
  const { agentId } = manifest.agents[member]!;
  const now = Math.floor(agent.nowMs / 1000);
  const term = {
    sigPk: ports.signer.publicKey(sigSeed),
    // An hour of grace for peers whose clocks lag behind.
    notBefore: now - 3600,
    notAfter: now + config.delegationSeconds,
  };
  const { federationId } = manifest;
  const statement = delegationStatement({ federationId, agentId, ...term });
  const delegation = {
    ...term,
    identitySpki: identity.spki,
    signature: identity.sign(statement),
  };
  const value = {
    manifestHash,
    ...pair,
    agentId,
    delegation,
    dhPk: x25519PublicKey(dhSk),
    kemPkHash: kem ? H('kem-pk', kem.publicKey) : NOTHING,
    nonce: ports.randomBytes(32),
  };
  const envelope = signEnvelope(ports, { type: 'Hello', value, seed: sigSeed, sender: member });
  const kemKeys = { kemSk: kem?.privateKey ?? NOTHING, kemPk: kem?.publicKey ?? NOTHING };
  agent.setup = { ...pair, hello: signedPart(envelope), sigSeed, dhSk, ...kemKeys };
  persist(agent, { setup: agent.setup });
}

function leaveEpoch(agent: Agent): void {
  for (const [number, { pin, closed }] of agent.slots) if (pin && !closed) giveUp(agent, number);
  const stale = [...agent.recordKeys].filter((key) => /^(slot|bundle)\/|^roots$/.test(key));
  persist(agent, Object.fromEntries(stale.map((key) => [key, undefined])));
  for (const map of [agent.slots, agent.bundles, agent.rootsAhead, agent.keys]) map.clear();
  delete agent.roots;
}

function addPair(agent: Agent, peer: number, hybridPart: Uint8Array): void {
  const { roster, self, pending } = agent.epoch!;
  const shared = x25519(pending!.dhSk, roster.dhPks[peer]!);
  // Without this pair the epoch stays incomplete: no bundles, but this agent still votes.
  if (!shared) return alarm(agent, 'bad-peer-key', { peer: roster.members[peer]! });
  const roots = pairRoots(concat(shared, hybridPart), { ctx: roster.ctx, self, peer });
  pending!.pairs.push({ peer, ...roots } satisfies PendingPair);
}

function completeWhenReady(agent: Agent): void {
  const epoch = agent.epoch!;
  const { pending, roster, self } = epoch;
  if (!pending || pending.pairs.length < roster.params.n - 1) return;
  const own = agent.options.ports.randomBytes(32);
  const pairs = [...pending.pairs].sort((a, b) => a.peer - b.peer);
  const channel = (pick: (pair: PendingPair) => Uint8Array) =>
    new Map([...pairs.map((pair) => [pair.peer, pick(pair)] as const), [self, own] as const]);
  const at = {
    edge: new Map(pairs.map(({ peer, edge }) => [peer, edge])),
    channelTo: channel(({ channelTo }) => channelTo),
    channelFrom: channel(({ channelFrom }) => channelFrom),
  };
  agent.roots = { base: 0, at };
  epoch.pending = null;
  persist(agent, { roots: rootsRecord(agent.roots), epoch });
  publishBundles(agent, 0, { again: false });
}
