import { equalBytes } from '../../crypto/bytes.ts';
import { readMessage } from '../envelope.ts';
import { bytesToWords, fold, wordBytes } from '../mask.ts';
import type { Envelope, Upload } from '../message.ts';
import { acceptedStatement, headerOf, lateStatement } from '../statement.ts';
import type { Uploaded } from './event.ts';
import {
  type Coordinator,
  type FoldedUpload,
  type OpenSlot,
  persist,
  signStatement,
} from './state.ts';

/** One batch: verify, fold, commit sum and headers in one transaction, only then accept. */
export function onUploaded(machine: Coordinator, uploads: readonly Uploaded[]): void {
  const accepted: { member: number; hdr: Uint8Array }[] = [];
  const records: Record<string, unknown> = {};
  const slotNumber = machine.slot?.open.slot;
  for (const { member, envelope, body } of uploads) {
    const read = readUpload(machine, member, envelope);
    if (!read) {
      reject(machine, { member, slot: 0 }, 'upload-invalid');
      continue;
    }
    const { upload, hdr } = read;
    const verdict = judge(machine, upload, { hdr, bytes: body.length });
    if (verdict === 'fold') {
      const slot = machine.slot!;
      fold(slot.sum, bytesToWords(body));
      const folded: FoldedUpload = { upload, hdr, sig: envelope.sig };
      slot.uploads.set(upload.agent, folded);
      records[`slot/upload/${upload.agent}`] = folded;
    }
    if (verdict === 'fold' || verdict === 'again') accepted.push({ member, hdr });
    else reject(machine, { member, slot: upload.slot, hdr }, verdict);
  }
  if (Object.keys(records).length > 0) {
    persist(machine, { ...records, 'slot/sum': wordBytes(machine.slot!.sum) });
  }
  for (const { member, hdr } of accepted) {
    const acceptance = signStatement(machine, acceptedStatement(hdr));
    machine.out.push({ kind: 'accept', member, slot: slotNumber!, acceptance });
  }
}

/** Whether every participant has uploaded or refused. */
export function allHeard({ participants, uploads, refused }: OpenSlot): boolean {
  return participants.every((i) => uploads.has(i) || refused.has(i));
}

function readUpload(machine: Coordinator, member: number, { type, body, sig }: Envelope) {
  const { epoch, options } = machine;
  if (!epoch || type !== 'Upload') return undefined;
  const { roster } = epoch;
  const upload = readMessage<'Upload'>(options.ports.codec, { type, body }, roster.params.n);
  if (!upload || roster.members[upload.agent] !== member) return undefined;
  if (!equalBytes(upload.epoch, roster.ctx)) return undefined;
  const hdr = headerOf(upload);
  const publicKey = roster.sigPks[upload.agent]!;
  const good = options.ports.signer.verify({ publicKey, message: hdr, signature: sig });
  return good ? { upload, hdr } : undefined;
}

type Verdict = 'fold' | 'again' | 'upload-late' | 'upload-duplicate' | 'upload-invalid';

function judge(
  { slot }: Coordinator,
  upload: Upload,
  { hdr, bytes }: { hdr: Uint8Array; bytes: number },
): Verdict {
  if (slot?.open.slot !== upload.slot) return 'upload-late';
  const known = slot.uploads.get(upload.agent);
  if (known) return equalBytes(known.hdr, hdr) ? 'again' : 'upload-duplicate';
  if (slot.phase !== 'upload') return 'upload-late';
  const fits =
    equalBytes(upload.transcript, slot.transcript) &&
    slot.participants.includes(upload.agent) &&
    bytes === slot.sum.byteLength;
  return fits ? 'fold' : 'upload-invalid';
}

function reject(
  machine: Coordinator,
  about: { member: number; slot: number; hdr?: Uint8Array },
  code: Exclude<Verdict, 'fold' | 'again'>,
): void {
  const { member, slot, hdr } = about;
  const late =
    code === 'upload-late' && hdr ? { late: signStatement(machine, lateStatement(hdr)) } : {};
  machine.out.push({ kind: 'reject', member, slot, code, ...late });
}
