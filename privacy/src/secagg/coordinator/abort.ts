import type { Abort, SlotAsk } from '../message.ts';
import { abortStatement } from '../statement.ts';
import type { SlotFailed } from './event.ts';
import { finishSlot } from './finish.ts';
import {
  alarm,
  type Coordinator,
  type OpenSlot,
  persist,
  sealed,
  sendRoster,
  sendTo,
} from './state.ts';

/** Nothing was revealed and nothing will be: collect abort votes so that charges come back. */
export function startAbort(machine: Coordinator, slot: OpenSlot, code: SlotFailed['code']): void {
  slot.phase = 'abort';
  slot.failure = code;
  slot.deadlineMs = machine.nowMs + machine.options.config.ackMs;
  persist(machine, { 'slot/failure': code });
  sendRoster(machine, abortAsk(machine, slot.open.slot));
}

/** One abort vote; the q-th proves that the slot never opens, also long after it was burned. */
export function onAbort(
  machine: Coordinator,
  position: number,
  { abort, signature }: { abort: Abort; signature: Uint8Array },
): void {
  const { slot: number } = abort;
  const { roster, aborts, outcomes, nextSlot } = machine.epoch!;
  if (abort.agent !== position || number >= nextSlot || outcomes.has(number)) return;
  const { slot } = machine;
  if (slot?.open.slot === number && slot.phase !== 'abort') return;
  const message = abortStatement(roster.ctx, number);
  const publicKey = roster.sigPks[position]!;
  if (!machine.options.ports.signer.verify({ publicKey, message, signature })) {
    return alarm(machine, 'abort-forged', { member: roster.members[position]! });
  }
  const votes = aborts.get(number) ?? new Map<number, Uint8Array>();
  aborts.set(number, votes.set(position, signature));
  if (votes.size >= roster.params.q) certifyAbort(machine, number, votes);
}

/** Ends the collection of votes at its deadline: the slot is burned, charges stay for now. */
export function burn(machine: Coordinator, slot: OpenSlot): void {
  finishSlot(machine, slot, { code: slot.failure!, aborted: false });
}

/** An agent asks how slots ended: their outcome, or a vote on those that never will. */
export function onSlotAsk(machine: Coordinator, member: number, { slots }: SlotAsk): void {
  const { outcomes, nextSlot } = machine.epoch!;
  for (const number of slots) {
    const outcome = outcomes.get(number);
    if (outcome) sendTo(machine, member, outcome);
    else if (number < nextSlot && machine.slot?.open.slot !== number) {
      // Votes given before a restart of this process are asked for again.
      sendRoster(machine, abortAsk(machine, number));
    }
  }
}

/** Asks the active epoch's roster for its votes that a slot never opens. */
export function abortAsk(machine: Coordinator, slot: number) {
  return sealed(machine, 'AbortAsk', { epoch: machine.epoch!.roster.ctx, slot });
}

function certifyAbort(
  machine: Coordinator,
  number: number,
  votes: ReadonlyMap<number, Uint8Array>,
): void {
  const { roster, outcomes, aborts } = machine.epoch!;
  const signatures = [...votes]
    .map(([agent, signature]) => ({ agent, signature }))
    .sort((a, b) => a.agent - b.agent);
  const value = { epoch: roster.ctx, slot: number, signatures };
  const envelope = sealed(machine, 'AbortCertificate', value);
  outcomes.set(number, envelope);
  aborts.delete(number);
  persist(machine, { [`outcome/${number}`]: envelope });
  const { slot } = machine;
  if (slot?.open.slot === number) {
    finishSlot(machine, slot, { code: slot.failure!, aborted: true });
  }
  sendRoster(machine, envelope);
}
