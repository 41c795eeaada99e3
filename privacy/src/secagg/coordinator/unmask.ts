import { equalBytes } from '../../crypto/bytes.ts';
import { sha256 } from '../../crypto/hash.ts';
import { membersOf } from '../bitmap.ts';
import { stripCanaries } from '../canary.ts';
import { applyMask, pairMaskKey, pairSign, selfMaskKey, wordBytes } from '../mask.ts';
import { openEscrow } from '../share.ts';
import { bundleHeader, edgeCommit, selfCommit } from '../statement.ts';
import { finishSlot } from './finish.ts';
import { recover } from './share-pool.ts';
import { alarm, type Coordinator, type OpenSlot, persist, sealed, sendRoster } from './state.ts';

/** SECAGG.md section 10: recover, check against every commitment, subtract, check canaries. */
export function unmask(machine: Coordinator, slot: OpenSlot): void {
  const { n } = machine.epoch!.roster.params;
  const U = membersOf(slot.certificate!.survivors, n)!;
  const words = slot.sum.slice();
  const clean = slot.participants.every((i) =>
    slot.uploads.has(i)
      ? subtractSelfMask(machine, slot, { words, i })
      : subtractPairMasks(machine, slot, { words, i, U }),
  );
  const d = slot.open.vec.length;
  const sum = clean ? stripCanaries(words, { d, survivors: U.length }) : undefined;
  if (!sum) {
    alarm(machine, 'sum-garbled', { slot: slot.open.slot });
    return finishSlot(machine, slot, { code: 'sum-garbled', aborted: false });
  }
  publish(machine, slot, { sum, U });
}

function publish(
  machine: Coordinator,
  slot: OpenSlot,
  { sum, U }: { sum: Int32Array; U: readonly number[] },
): void {
  const { roster, outcomes } = machine.epoch!;
  const certificate = slot.certificate!;
  const bytes = wordBytes(sum);
  const inline = bytes.length <= machine.options.config.inlineSumBytesMax;
  const envelope = sealed(machine, 'RoundResult', {
    ...certificate,
    sumHash: sha256(bytes),
    sum: inline ? bytes : new Uint8Array(0),
  });
  const { slot: number } = slot.open;
  outcomes.set(number, envelope);
  persist(machine, { [`outcome/${number}`]: envelope });
  finishSlot(machine, slot, undefined);
  const survivors = U.map((i) => roster.members[i]!);
  machine.out.push({ kind: 'result', slot: number, open: slot.open, sum, survivors, certificate });
  sendRoster(machine, envelope);
}

function subtractSelfMask(
  machine: Coordinator,
  slot: OpenSlot,
  { words, i }: { words: Uint32Array; i: number },
): boolean {
  const { upload } = slot.uploads.get(i)!;
  const b = recover(machine.epoch!, slot, i);
  if (!equalBytes(selfCommit(upload, b), upload.selfCommit)) {
    return blame(machine, slot, { i, code: 'self-commit-broken' });
  }
  applyMask(words, selfMaskKey(b, slot.transcript, i), -1);
  return true;
}

function subtractPairMasks(
  machine: Coordinator,
  slot: OpenSlot,
  { words, i, U }: { words: Uint32Array; i: number; U: readonly number[] },
): boolean {
  const epoch = machine.epoch!;
  const { ctx, params } = epoch.roster;
  const { bundle } = epoch.bundles.get(slot.open.slot)!.get(i)!;
  const eps = recover(epoch, slot, i);
  const input = { escrow: bundle.escrow, count: params.n - 1 };
  const kappas = openEscrow(eps, bundleHeader(bundle), input);
  if (!kappas) return blame(machine, slot, { i, code: 'escrow-unreadable' });
  for (const j of U) {
    const place = j < i ? j : j - 1;
    const kappa = kappas[place]!;
    const commit = edgeCommit({ epoch: ctx, slot: slot.open.slot, i, j }, kappa);
    if (!equalBytes(commit, bundle.edgeCommits[place]!)) {
      return blame(machine, slot, { i, code: 'escrow-poisoned' });
    }
    // What the survivor j added towards i is left in the sum.
    const sign = pairSign(j, i) === 1 ? -1 : 1;
    applyMask(words, pairMaskKey(kappa, slot.transcript, [i, j]), sign);
  }
  return true;
}

function blame(
  machine: Coordinator,
  slot: OpenSlot,
  { i, code }: { i: number; code: string },
): false {
  const member = machine.epoch!.roster.members[i]!;
  alarm(machine, code, { slot: slot.open.slot, member });
  return false;
}
