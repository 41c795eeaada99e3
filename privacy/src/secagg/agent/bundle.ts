import { split } from '../../crypto/shamir.ts';
import { signEnvelope, signedPart } from '../envelope.ts';
import { bundleDraw, hedged } from '../hedge.ts';
import type { Bundle } from '../message.ts';
import { sealEscrow, sealEscrowShare } from '../share.ts';
import { bundleHash, bundleHeader, edgeCommit, escrowShareCommit } from '../statement.ts';
import { localSecret, slotKeys } from './keys.ts';
import { type Agent, highestPinned, persist, sendSigned } from './state.ts';

/**
 * Keeps W bundles in stock from `fromSlot` on (SECAGG.md section 5). New ones are made, persisted
 * and sent; published ones are sent only when `again` is set, and then byte for byte.
 */
export function publishBundles(
  agent: Agent,
  fromSlot: number,
  { again }: { again: boolean },
): void {
  const { bundlesInStock, slotsPerEpoch } = agent.options.manifest;
  if (!agent.roots) return;
  const first = Math.max(fromSlot, highestPinned(agent) + 1, agent.roots.base);
  const last = Math.min(fromSlot + bundlesInStock, slotsPerEpoch) - 1;
  for (let slot = first; slot <= last; slot++) {
    const published = agent.bundles.get(slot);
    if (!published) makeBundle(agent, slot);
    if (!published || again) sendSigned(agent, 'Bundle', agent.bundles.get(slot)!.signed);
  }
}

function makeBundle(agent: Agent, slot: number): void {
  const { ports, member } = agent.options;
  const { roster, self, sigSeed } = agent.epoch!;
  const { ctx: epoch, params } = roster;
  const keys = slotKeys(agent, slot)!;
  const ikm = hedged(ports.randomBytes(32), localSecret(agent));
  const { key: eps, salt, coeffSeed } = bundleDraw(ikm, { epoch, slot, agent: self });
  const hdr = bundleHeader({ epoch, slot, agent: self, salt });
  const peers = [...keys.edge.keys()].sort((a, b) => a - b);
  const shares = split({ secret: eps, holders: params.L, threshold: params.t, coeffSeed });
  const value: Bundle = {
    epoch,
    slot,
    agent: self,
    salt,
    edgeCommits: peers.map((j) => edgeCommit({ epoch, slot, i: self, j }, keys.edge.get(j)!)),
    escrow: sealEscrow(
      eps,
      hdr,
      peers.map((j) => keys.edge.get(j)!),
    ),
    shareCts: shares.map((share, position) => {
      const channel = keys.channelTo.get(position)!;
      return sealEscrowShare({ channel, salt, slot, position }, hdr, share);
    }),
    shareCommits: shares.map((share, position) => escrowShareCommit(hdr, position, share)),
  };
  const sealed = signEnvelope(ports, { type: 'Bundle', value, seed: sigSeed, sender: member });
  const published = { signed: signedPart(sealed), hash: bundleHash(value) };
  agent.bundles.set(slot, published);
  persist(agent, { [`bundle/${slot}`]: published });
}
