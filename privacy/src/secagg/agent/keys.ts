import { Secret } from '../../secret.ts';
import { advance, channelKey, edgeKey, type Roots } from '../ratchet.ts';
import { type Agent, highestPinned, persist, type SlotKeys } from './state.ts';

/** Roots as a record holds them. */
export interface RootsRecord {
  readonly base: number;
  readonly edge: readonly (readonly [number, Uint8Array])[];
  readonly channelTo: readonly (readonly [number, Uint8Array])[];
  readonly channelFrom: readonly (readonly [number, Uint8Array])[];
}

/** Keys of a slot, or undefined when the epoch is incomplete or the slot's keys are deleted. */
export function slotKeys(agent: Agent, slot: number): SlotKeys | undefined {
  const known = agent.keys.get(slot);
  if (known) return known;
  const roots = rootsAt(agent, slot);
  const ctx = agent.epoch?.roster.ctx;
  if (!roots || !ctx) return undefined;
  const derive = (
    map: ReadonlyMap<number, Uint8Array>,
    key: (root: Uint8Array, ctx: Uint8Array, slot: number) => Uint8Array,
  ) => new Map(Array.from(map, ([peer, root]) => [peer, key(root, ctx, slot)]));
  const keys = {
    edge: derive(roots.edge, edgeKey),
    channelTo: derive(roots.channelTo, channelKey),
    channelFrom: derive(roots.channelFrom, channelKey),
  };
  agent.keys.set(slot, keys);
  return keys;
}

/** Moves the roots to the lowest open slot, durably, and forgets every key and bundle below it. */
export function ratchet(agent: Agent): void {
  const { roots } = agent;
  const base = lowestOpen(agent);
  if (!roots || base <= roots.base) return;
  const at = rootsAt(agent, base);
  if (!at) throw new Error(`no roots at slot ${base}`);
  agent.roots = { base, at };
  for (const map of [agent.rootsAhead, agent.keys]) {
    for (const slot of map.keys()) if (slot < base) map.delete(slot);
  }
  const stale = [...agent.bundles.keys()].filter((slot) => slot < base);
  for (const slot of stale) agent.bundles.delete(slot);
  const deletions = Object.fromEntries(stale.map((slot) => [`bundle/${slot}`, undefined]));
  persist(agent, { roots: rootsRecord(agent.roots), ...deletions });
}

/** The roots in the form that is persisted. */
export function rootsRecord({ base, at }: { base: number; at: Roots }): RootsRecord {
  return {
    base,
    edge: [...at.edge],
    channelTo: [...at.channelTo],
    channelFrom: [...at.channelFrom],
  };
}

/** The agent's local secret, made and persisted on first use. */
export function localSecret(agent: Agent): Secret {
  if (!agent.localSecret) {
    agent.localSecret = new Secret(agent.options.ports.randomBytes(32));
    persist(agent, { 'local-secret': agent.localSecret.reveal() });
  }
  return agent.localSecret;
}

// Slots below the highest pinned one are closed when they were never seen, so the lowest open
// slot is a pinned one without a closing record, or the next after all of them.
function lowestOpen(agent: Agent): number {
  let lowest = highestPinned(agent) + 1;
  for (const [slot, { pin, closed }] of agent.slots) {
    if (pin && !closed && slot < lowest) lowest = slot;
  }
  return lowest;
}

function rootsAt(agent: Agent, slot: number): Roots | undefined {
  const { roots, rootsAhead } = agent;
  const ctx = agent.epoch?.roster.ctx;
  if (!roots || !ctx || slot < roots.base) return undefined;
  if (slot === roots.base) return roots.at;
  let from = slot;
  while (from > roots.base && !rootsAhead.has(from)) from--;
  let at = from === roots.base ? roots.at : rootsAhead.get(from)!;
  for (let next = from + 1; next <= slot; next++) {
    at = advance(at, ctx);
    rootsAhead.set(next, at);
  }
  return at;
}
