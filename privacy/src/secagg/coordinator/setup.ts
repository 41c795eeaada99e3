import { equalBytes } from '../../crypto/bytes.ts';
import { H } from '../../crypto/hash.ts';
import { isRefusal } from '../../refusal.ts';
import { readMessage, signedByAny, signedPart } from '../envelope.ts';
import { checkHello, checkHelloSet } from '../hello-set.ts';
import type { Confirm, Envelope, KemPk } from '../message.ts';
import { colluders, epochAbsences } from '../parameters.ts';
import {
  alarm,
  type Coordinator,
  deletions,
  persist,
  type Setup,
  sealed,
  sendTo,
} from './state.ts';
import { sendWelcome } from './welcome.ts';

const SLOTS_BEFORE_RENEWAL = 16;
const PATIENCE_ROUNDS = 3;

/** Hello of the setup in progress, or of an agent that needs another epoch. */
export function onHello(machine: Coordinator, member: number, envelope: Envelope): void {
  const { options, setup, epoch, nowMs } = machine;
  const signed = signedPart(envelope);
  const checked = checkHello(options.ports, options, { signed, atMs: nowMs });
  if (isRefusal(checked)) return alarm(machine, checked.refused, { member });
  if (checked.member !== member) return alarm(machine, 'hello-not-own', { member });
  const { hello } = checked;
  if (!setup || setup.epochNumber !== hello.epochNumber || setup.attempt !== hello.attempt) {
    const newer = epoch && hello.epochNumber > epoch.roster.epochNumber;
    if (!setup && newer && !epoch.wants.has(member)) epoch.wants.set(member, 0);
    return;
  }
  const known = setup.hellos.get(member);
  const repeated = known && equalBytes(known.signed.body, signed.body);
  if (setup.agreed) {
    if (repeated && setup.agreed.roster.members.includes(member)) {
      sendTo(machine, member, setup.agreed.helloSet);
    }
    return;
  }
  if (!repeated) setup.hellos.set(member, { signed, hello });
}

/** KemPk: the key whose hash the Hello named. */
export function onKemPk(machine: Coordinator, member: number, message: KemPk): void {
  const known = machine.setup?.hellos.get(member);
  if (!known || known.kemPk) return;
  if (equalBytes(H('kem-pk', message.kemPk), known.hello.kemPkHash)) known.kemPk = message.kemPk;
  else alarm(machine, 'kem-key-mismatch', { member });
}

/** Confirm of the HelloSet that was sent. */
export function onConfirm(machine: Coordinator, member: number, envelope: Envelope): void {
  const { setup, options } = machine;
  const roster = setup?.agreed?.roster;
  const position = roster?.members.indexOf(member) ?? -1;
  if (!setup || !roster || position < 0 || setup.confirms.has(member)) return;
  const { body } = envelope;
  const confirm = readMessage<'Confirm'>(options.ports.codec, { type: 'Confirm', body }, 0);
  const right =
    confirm !== undefined &&
    confirmsSet(confirm, setup, roster.helloSetHash) &&
    signedByAny(options.ports.signer, [roster.sigPks[position]!], envelope);
  if (right) setup.confirms.set(member, signedPart(envelope));
  else alarm(machine, 'confirm-invalid', { member });
}

/** Starts, advances, completes or repeats an epoch setup as far as the state allows. */
export function progressSetup(machine: Coordinator): void {
  const { setup, slot } = machine;
  if (!setup) {
    if (!slot && needsEpoch(machine)) startSetup(machine, new Set(silentMembers(machine)));
    return;
  }
  if (!setup.agreed) {
    if (!slot) agreeWhenReady(machine, setup);
    return;
  }
  const missing = setup.agreed.roster.members.filter((member) => !setup.confirms.has(member));
  if (missing.length === 0) activate(machine, setup);
  else if (machine.nowMs >= setup.deadlineMs) startSetup(machine, new Set(missing));
}

/** When the setup in progress wants a `timeout`. */
export function setupDeadline({ setup, epoch, nowMs }: Coordinator): number | undefined {
  const at = setup ? setup.deadlineMs : epoch?.readyByMs;
  return at !== undefined && at > nowMs ? at : undefined;
}

/** An agent has confirmed a higher pair than any known here: continue above it. */
export function raiseEpoch(
  machine: Coordinator,
  named: { epochNumber: number; attempt: number },
): void {
  const { setup } = machine;
  if (!setup || setup.agreed || named.epochNumber > 0x7fffffff) return;
  const { epochNumber, attempt } = setup;
  const above =
    named.epochNumber > epochNumber ||
    (named.epochNumber === epochNumber && named.attempt >= attempt);
  if (!above) return;
  machine.highest = { epochNumber: named.epochNumber, attempt: named.attempt };
  startSetup(machine, setup.sitOut);
}

function needsEpoch(machine: Coordinator): boolean {
  const { epoch, options, nowMs } = machine;
  if (!epoch) return machine.connected.size > 0;
  const { params, members } = epoch.roster;
  const unready = epoch.readyByMs !== undefined && nowMs >= epoch.readyByMs;
  if (unready) {
    delete epoch.readyByMs;
    if (epoch.ready.size < params.nMin) return true;
  }
  if (epoch.nextSlot >= options.manifest.slotsPerEpoch) return true;
  const wanting = [...epoch.wants].filter(([member]) => machine.connected.has(member));
  const lost = wanting.filter(([member]) => members.includes(member)).length;
  const outside = wanting.some(
    ([member, rounds]) => !members.includes(member) && rounds >= PATIENCE_ROUNDS,
  );
  const fewest = Math.max(params.nMin, params.q, epoch.nMinWanted);
  if (wanting.length > 0 && params.n - lost < fewest) return true;
  const worthIt = lost > 0 || outside || epoch.thinRounds >= PATIENCE_ROUNDS;
  return worthIt && epoch.nextSlot >= SLOTS_BEFORE_RENEWAL;
}

// Who left the active epoch incomplete by not sending its ciphertexts.
function silentMembers({ epoch }: Coordinator): number[] {
  if (!epoch || epoch.kemPks.length === 0 || epoch.ready.size > 0) return [];
  const { n } = epoch.roster.params;
  return epoch.roster.members.filter((_, from) =>
    Array.from({ length: n - 1 - from }, (_, k) => from + 1 + k).some(
      (to) => !epoch.kemCts.has(`${from}/${to}`),
    ),
  );
}

function startSetup(machine: Coordinator, sitOut: ReadonlySet<number>): void {
  const { epochNumber, attempt } = machine.highest;
  const used = machine.epoch?.roster.epochNumber === epochNumber || epochNumber === 0;
  const pair = used
    ? { epochNumber: epochNumber + 1, attempt: 1 }
    : { epochNumber, attempt: attempt + 1 };
  machine.highest = pair;
  machine.setup = {
    ...pair,
    deadlineMs: machine.nowMs + machine.options.config.setupMs,
    hellos: new Map(),
    sitOut,
    confirms: new Map(),
  };
  persist(machine, { highest: pair });
  for (const member of machine.connected) sendWelcome(machine, member);
}

function agreeWhenReady(machine: Coordinator, setup: Setup): void {
  const { manifest, ports } = machine.options;
  const all = manifest.agents.length;
  const fewest = Math.max(3, colluders(manifest) + 2, all - epochAbsences(manifest));
  const present = [...setup.hellos]
    .filter(([member, { kemPk }]) => machine.connected.has(member) && (kemPk || !usesKem(machine)))
    .map(([member]) => member)
    .sort((a, b) => a - b);
  const willing = present.filter((member) => !setup.sitOut.has(member));
  const sitOutHolds = all - setup.sitOut.size >= fewest;
  const roster = sitOutHolds ? willing : present;
  const expected = sitOutHolds ? all - setup.sitOut.size : all;
  if (roster.length < fewest) return;
  if (roster.length < expected && machine.nowMs < setup.deadlineMs) return;
  const hellos = roster.map((member) => setup.hellos.get(member)!.signed);
  const agreed = checkHelloSet(ports, machine.options, { hellos, atMs: machine.nowMs });
  if (isRefusal(agreed)) return alarm(machine, agreed.refused, { of: 'HelloSet' });
  setup.agreed = { roster: agreed, helloSet: sealed(machine, 'HelloSet', { hellos }) };
  setup.deadlineMs = machine.nowMs + machine.options.config.setupMs;
  for (const member of roster) sendTo(machine, member, setup.agreed.helloSet);
}

function activate(machine: Coordinator, setup: Setup): void {
  const { roster } = setup.agreed!;
  const confirms = roster.members.map((member) => setup.confirms.get(member)!);
  const kemPks = usesKem(machine)
    ? roster.members.map((member) => setup.hellos.get(member)!.kemPk!)
    : [];
  const confirmSet = sealed(machine, 'ConfirmSet', { confirms });
  const outside = [...machine.connected].filter((member) => !roster.members.includes(member));
  const stale = deletions(machine, /^(kem-ct|bundle|slot|outcome|next-slot)/);
  machine.epoch = {
    roster,
    confirmSet,
    kemPks,
    kemCts: new Map(),
    bundles: new Map(),
    ready: new Set(),
    nextSlot: 0,
    readyByMs: machine.nowMs + machine.options.config.setupMs,
    wants: new Map(outside.map((member) => [member, 0])),
    nMinWanted: 0,
    thinRounds: 0,
    outcomes: new Map(),
    aborts: new Map(),
  };
  delete machine.setup;
  persist(machine, { ...stale, epoch: { roster, confirmSet, kemPks } });
  for (const member of roster.members) sendTo(machine, member, confirmSet);
  for (const member of roster.members) sendKemPks(machine, member);
}

/** ConfirmSet, keys and ciphertexts again, for a member that has no bundles yet. */
export function resumeSetup(machine: Coordinator, member: number): void {
  const { epoch } = machine;
  const position = epoch?.roster.members.indexOf(member) ?? -1;
  if (!epoch || position < 0 || epoch.ready.has(position)) return;
  sendTo(machine, member, epoch.confirmSet);
  sendKemPks(machine, member);
  for (const [edge, envelope] of epoch.kemCts) {
    if (edge.endsWith(`/${position}`)) sendTo(machine, member, envelope);
  }
}

/** KemCt: checked, kept, and relayed as its author signed it. */
export function onKemCt(machine: Coordinator, member: number, envelope: Envelope): void {
  const { epoch, options } = machine;
  if (!epoch) return;
  const { roster, kemCts } = epoch;
  const from = roster.members.indexOf(member);
  const { body } = envelope;
  const ct = readMessage(options.ports.codec, { type: 'KemCt', body }, roster.params.n);
  if (!ct || ct.from !== from || ct.to <= from || !equalBytes(ct.epoch, roster.ctx)) return;
  const edge = `${from}/${ct.to}`;
  if (kemCts.has(edge)) return;
  if (!signedByAny(options.ports.signer, [roster.sigPks[from]!], envelope)) {
    return alarm(machine, 'kem-ciphertext-forged', { member });
  }
  const kept = { ...envelope, sender: member };
  kemCts.set(edge, kept);
  persist(machine, { [`kem-ct/${edge}`]: kept });
  sendTo(machine, roster.members[ct.to]!, kept);
}

function sendKemPks(machine: Coordinator, member: number): void {
  const { roster, kemPks } = machine.epoch!;
  if (kemPks.length === 0) return;
  const position = roster.members.indexOf(member);
  const keys = kemPks
    .map((kemPk, agent) => ({ agent, kemPk }))
    .filter(({ agent }) => agent > position);
  sendTo(machine, member, sealed(machine, 'KemPks', { epoch: roster.ctx, keys }));
}

function confirmsSet(confirm: Confirm, setup: Setup, helloSetHash: Uint8Array): boolean {
  return (
    confirm.epochNumber === setup.epochNumber &&
    confirm.attempt === setup.attempt &&
    equalBytes(confirm.helloSetHash, helloSetHash)
  );
}

function usesKem(machine: Coordinator): boolean {
  return machine.options.manifest.kem !== 'none';
}
