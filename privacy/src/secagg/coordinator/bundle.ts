import { equalBytes } from '../../crypto/bytes.ts';
import type { Bundle } from '../message.ts';
import { bundleHash } from '../statement.ts';
import { type Coordinator, type Epoch, persist } from './state.ts';

/** Keeps an agent's first bundle for a slot that is still to come; its signature was checked. */
export function onBundle(machine: Coordinator, position: number, bundle: Bundle): void {
  const epoch = machine.epoch!;
  const { bundlesInStock, slotsPerEpoch } = machine.options.manifest;
  const { slot } = bundle;
  const last = Math.min(epoch.nextSlot + 2 * bundlesInStock, slotsPerEpoch) - 1;
  if (bundle.agent !== position || slot < epoch.nextSlot || slot > last) return;
  const ofSlot = epoch.bundles.get(slot) ?? new Map();
  epoch.bundles.set(slot, ofSlot);
  if (ofSlot.has(position)) return;
  const stored = { bundle, hash: bundleHash(bundle) };
  ofSlot.set(position, stored);
  persist(machine, { [`bundle/${slot}/${position}`]: stored });
  if (epoch.ready.has(position)) return;
  epoch.ready.add(position);
  const { roster, ready } = epoch;
  if (ready.size < roster.params.nMin) return;
  machine.out.push({
    kind: 'epoch-ready',
    epochNumber: roster.epochNumber,
    roster: [...roster.members],
    ready: [...ready].sort((a, b) => a - b).map((i) => roster.members[i]!),
  });
}

/** P of a slot: connected, with a bundle, and at peace with every other one's edges. */
export function eligible(machine: Coordinator, slot: number): number[] {
  const epoch = machine.epoch!;
  const bundles = epoch.bundles.get(slot) ?? new Map();
  const here = [...bundles.keys()]
    .filter((position) => machine.connected.has(epoch.roster.members[position]!))
    .sort((a, b) => a - b);
  const out = sittingOut(epoch, here, slot);
  return here.filter((position) => !out.has(position));
}

// Section 5: two ends that commit to different edge keys cannot be in one slot, and nobody can
// tell who is wrong. Beyond c peers it is the agent; below, the two sides take turns.
function sittingOut(epoch: Epoch, here: readonly number[], slot: number): Set<number> {
  const bundles = epoch.bundles.get(slot);
  const pairs: [number, number][] = [];
  for (const i of here) {
    for (const j of here) {
      if (j <= i) continue;
      const mine = bundles!.get(i)!.bundle.edgeCommits[j - 1]!;
      const theirs = bundles!.get(j)!.bundle.edgeCommits[i]!;
      if (!equalBytes(mine, theirs)) pairs.push([i, j]);
    }
  }
  const count = (i: number) => pairs.filter((pair) => pair.includes(i)).length;
  const out = new Set(here.filter((i) => count(i) > epoch.roster.params.c));
  for (const [i, j] of pairs) {
    if (out.has(i) || out.has(j)) continue;
    const first = count(j) > count(i) ? j : i;
    out.add(slot % 2 === 0 ? first : i + j - first);
  }
  return out;
}
