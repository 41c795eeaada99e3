import { Secret } from '../../secret.ts';
import { unpackRecord } from '../record.ts';
import type { RootsRecord } from './keys.ts';
import type { Opened, Sent, Slot } from './state.ts';
import { type Agent, type Epoch, type Pin, type Setup, slotOf, type Vote } from './state.ts';

/** Rebuilds the state from what persist effects wrote; the order of the records is free. */
export function restoreAgent(agent: Agent, records: Iterable<readonly [string, Uint8Array]>): void {
  for (const [key, bytes] of records) {
    agent.recordKeys.add(key);
    const [kind, ...rest] = key.split('/');
    if (kind === 'slot') restoreSlot(slotOf(agent, Number(rest[0])), rest[1]!, bytes);
    else if (kind === 'bundle') agent.bundles.set(Number(rest[0]), unpackRecord(bytes));
    else if (kind === 'run') agent.runs.set(rest.join('/'), unpackRecord(bytes));
    else restoreSingle(agent, key, bytes);
  }
}

function restoreSingle(agent: Agent, key: string, bytes: Uint8Array): void {
  switch (key) {
    case 'local-secret':
      agent.localSecret = new Secret(unpackRecord<Uint8Array>(bytes));
      return;
    case 'manifest':
      agent.adopted = unpackRecord(bytes);
      return;
    case 'confirmed':
      agent.confirmedPair = unpackRecord(bytes);
      return;
    case 'setup':
      agent.setup = unpackRecord<Setup>(bytes);
      return;
    case 'epoch':
      agent.epoch = unpackRecord<Epoch>(bytes);
      return;
    case 'roots': {
      const { base, edge, channelTo, channelFrom } = unpackRecord<RootsRecord>(bytes);
      const at = {
        edge: new Map(edge),
        channelTo: new Map(channelTo),
        channelFrom: new Map(channelFrom),
      };
      agent.roots = { base, at };
      return;
    }
    default:
      throw new Error(`unknown record ${key}`);
  }
}

function restoreSlot(slot: Slot, register: string, bytes: Uint8Array): void {
  switch (register) {
    case 'pin':
      slot.pin = unpackRecord<Pin>(bytes);
      return;
    case 'sent':
      slot.sent = unpackRecord<Sent>(bytes);
      return;
    case 'y':
      slot.y = unpackRecord<Uint8Array>(bytes);
      return;
    case 'vote':
      slot.vote = unpackRecord<Vote>(bytes);
      return;
    case 'opened':
      slot.opened = unpackRecord<Opened>(bytes);
      return;
    case 'accepted':
      slot.accepted = unpackRecord<Uint8Array>(bytes);
      return;
    case 'closed':
      slot.closed = unpackRecord<NonNullable<Slot['closed']>>(bytes);
      return;
    default:
      throw new Error(`unknown register ${register}`);
  }
}
