import { membersOf } from '../bitmap.ts';
import { plainCertificate } from '../certificate.ts';
import type { SurvivorCertificate } from '../message.ts';
import type { Certified, Closed } from './event.ts';
import { ratchet } from './keys.ts';
import { type Agent, persist, type Slot, slotOf } from './state.ts';

interface Ending {
  readonly outcome: Closed['outcome'];
  readonly certificate?: SurvivorCertificate;
  readonly sumHash?: Uint8Array;
  readonly sum?: Int32Array;
}

/**
 * Closes a pinned slot: the record, the deletion of its keys, then the report. A slot
 * that was given up may still learn its result or its abort certificate; those are final.
 */
export function closeSlot(agent: Agent, number: number, ending: Ending): void {
  const slot = slotOf(agent, number);
  const { pin, closed } = slot;
  if (!pin || !agent.epoch || closed === 'result' || closed === 'aborted') return;
  if (closed && (ending.outcome === 'skipped' || ending.outcome === 'burned')) return;
  slot.closed = ending.outcome;
  delete slot.stage;
  persist(agent, { [`slot/${number}/closed`]: ending.outcome, ...expiredUploads(agent) });
  ratchet(agent);
  agent.out.push(report(agent, number, ending));
}

/** Gives up a slot that will not be decided in time, or whose epoch ended. */
export function giveUp(agent: Agent, number: number): void {
  const { sent } = slotOf(agent, number);
  closeSlot(agent, number, { outcome: sent ? 'burned' : 'skipped' });
}

/** When the next slot has waited long enough. */
export function revealDeadline(agent: Agent): number | undefined {
  let earliest: number | undefined;
  for (const { pin, closed } of agent.slots.values()) {
    if (!pin || closed) continue;
    const at = pin.atMs + agent.options.config.revealWaitMs;
    if (earliest === undefined || at < earliest) earliest = at;
  }
  return earliest;
}

/** Gives up every slot that has waited long enough for its result. */
export function closeOverdue(agent: Agent): void {
  for (const [number, { pin, closed }] of agent.slots) {
    if (pin && !closed && agent.nowMs >= pin.atMs + agent.options.config.revealWaitMs) {
      giveUp(agent, number);
    }
  }
}

function expiredUploads(agent: Agent): Record<string, undefined> {
  const closed = [...agent.slots].filter(([, slot]) => slot.closed && slot.y);
  closed.sort(([a], [b]) => b - a);
  const records: Record<string, undefined> = {};
  for (const [number, slot] of closed.slice(agent.options.config.auditRetention)) {
    delete slot.y;
    records[`slot/${number}/y`] = undefined;
  }
  return records;
}

function report(agent: Agent, number: number, ending: Ending): Closed {
  const slot = slotOf(agent, number);
  const { open, transcript } = slot.pin!;
  const certificate = ending.certificate ?? slot.opened?.certificate;
  return {
    kind: 'closed',
    slot: number,
    open,
    transcript,
    epochNumber: agent.epoch!.roster.epochNumber,
    outcome: ending.outcome,
    uploaded: slot.sent !== undefined,
    ...(certificate && { certified: certified(agent, slot, certificate) }),
    ...(ending.sumHash && { sumHash: ending.sumHash }),
    ...(ending.sum && { sum: ending.sum }),
  };
}

function certified(agent: Agent, slot: Slot, certificate: SurvivorCertificate): Certified {
  const { roster, self } = agent.epoch!;
  const survivors = membersOf(certificate.survivors, roster.params.n)!;
  return {
    certificate: plainCertificate(certificate),
    survivors: survivors.map((i) => roster.members[i]!),
    self: slot.sent !== undefined && survivors.includes(self),
    honest: survivors.length - slot.pin!.open.mechanism.c,
  };
}
