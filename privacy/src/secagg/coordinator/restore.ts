import { equalBytes } from '../../crypto/bytes.ts';
import { membersOf } from '../bitmap.ts';
import { maskedLength } from '../canary.ts';
import { bytesToWords } from '../mask.ts';
import type {
  Envelope,
  LedgerHead,
  Proposal,
  Reveal,
  RoundOpen,
  SurvivorCertificate,
} from '../message.ts';
import { unpackRecord } from '../record.ts';
import { transcriptOf } from '../statement.ts';
import type { SlotFailed } from './event.ts';
import type { Coordinator, Epoch, FoldedUpload, StoredBundle } from './state.ts';

/** Rebuilds the state from what persist effects wrote; the order of the records is free. */
export function restoreCoordinator(
  machine: Coordinator,
  records: Iterable<readonly [string, Uint8Array]>,
): void {
  const all = new Map(records);
  for (const key of all.keys()) machine.recordKeys.add(key);
  const read = <T>(key: string): T | undefined => {
    const bytes = all.get(key);
    return bytes && unpackRecord<T>(bytes);
  };
  const adopted = read<Uint8Array>('manifest');
  if (adopted) machine.adopted = adopted;
  machine.options.manifest.agents.forEach(({ agentId }, member) => {
    const head = read<LedgerHead>(`ledger-head/${agentId}`);
    if (head) machine.ledgerHeads.set(member, head);
  });
  // Epochs count afresh under another manifest, so only its records would be read.
  if (!adopted || !equalBytes(adopted, machine.options.manifestHash)) return;
  machine.highest = read<Coordinator['highest']>('highest') ?? machine.highest;
  const epoch = read<Pick<Epoch, 'roster' | 'confirmSet' | 'kemPks'>>('epoch');
  if (!epoch) return;
  machine.epoch = restoreEpoch(epoch, all, read<number>('next-slot') ?? 0);
  const open = read<RoundOpen>('slot/open');
  if (open) restoreSlot(machine, open, { all, read });
}

type Records = ReadonlyMap<string, Uint8Array>;
type Read = <T>(key: string) => T | undefined;

function restoreEpoch(
  known: Pick<Epoch, 'roster' | 'confirmSet' | 'kemPks'>,
  all: Records,
  nextSlot: number,
): Epoch {
  const epoch: Epoch = {
    ...known,
    kemCts: new Map(),
    bundles: new Map(),
    ready: new Set(),
    nextSlot,
    wants: new Map(),
    nMinWanted: 0,
    thinRounds: 0,
    outcomes: new Map(),
    aborts: new Map(),
  };
  for (const [path, bytes] of under(all, 'kem-ct')) {
    epoch.kemCts.set(path.join('/'), unpackRecord<Envelope>(bytes));
  }
  for (const [[slot, position], bytes] of under(all, 'bundle')) {
    const ofSlot = epoch.bundles.get(Number(slot)) ?? new Map();
    epoch.bundles.set(Number(slot), ofSlot);
    ofSlot.set(Number(position), unpackRecord<StoredBundle>(bytes));
    epoch.ready.add(Number(position));
  }
  // An epoch that never became usable is given up with the first event.
  if (epoch.ready.size < epoch.roster.params.nMin) epoch.readyByMs = 0;
  for (const [[slot], bytes] of under(all, 'outcome')) {
    epoch.outcomes.set(Number(slot), unpackRecord<Envelope>(bytes));
  }
  return epoch;
}

// Uploads that were folded but not proposed may be missing from the batch that was lost with the
// process, so a slot without a Proposal is given up; with one, collection goes on where it was.
function restoreSlot(
  machine: Coordinator,
  open: RoundOpen,
  { all, read }: { all: Records; read: Read },
): void {
  const sum = read<Uint8Array>('slot/sum');
  const proposal = read<Proposal>('slot/proposal');
  const certificate = read<SurvivorCertificate>('slot/certificate');
  const failure = read<SlotFailed['code']>('slot/failure');
  const aborting = failure ?? (proposal ? undefined : 'restarted');
  machine.slot = {
    open,
    transcript: transcriptOf(open),
    participants: membersOf(open.participants, machine.epoch!.roster.params.n)!,
    phase: aborting ? 'abort' : certificate ? 'reveal' : 'ack',
    sum: sum ? bytesToWords(sum) : new Uint32Array(maskedLength(open.vec.length)),
    uploads: byPosition<FoldedUpload>(all, 'slot/upload'),
    refused: new Set(),
    acks: byPosition<Uint8Array>(all, 'slot/ack'),
    reveals: byPosition<Reveal>(all, 'slot/reveal'),
    ...(proposal && { proposal }),
    ...(certificate && { certificate }),
    ...(aborting && { failure: aborting }),
  };
}

function byPosition<T>(all: Records, prefix: string): Map<number, T> {
  const entries = [...under(all, prefix)];
  return new Map(entries.map(([[position], bytes]) => [Number(position), unpackRecord<T>(bytes)]));
}

function* under(all: Records, prefix: string): Generator<[string[], Uint8Array]> {
  for (const [key, bytes] of all) {
    if (key.startsWith(`${prefix}/`)) yield [key.slice(prefix.length + 1).split('/'), bytes];
  }
}
