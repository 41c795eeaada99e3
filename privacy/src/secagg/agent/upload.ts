import { sha256 } from '../../crypto/hash.ts';
import { split } from '../../crypto/shamir.ts';
import { membersOf } from '../bitmap.ts';
import { withCanaries } from '../canary.ts';
import { type HedgedDraw, hedged, uploadDraw } from '../hedge.ts';
import { applyMask, pairMaskKey, pairSign, selfMaskKey, wordBytes } from '../mask.ts';
import type { Upload } from '../message.ts';
import { sealSelfShare } from '../share.ts';
import { acceptedStatement, headerOf, selfCommit, selfShareCommit } from '../statement.ts';
import { localSecret, slotKeys } from './keys.ts';
import { type Agent, alarm, persist, type SlotKeys, slotOf } from './state.ts';

/** The integers with noise arrive: mask them, make everything durable, then let them go. */
export function onEncoded(agent: Agent, number: number, integers: Int32Array): void {
  const slot = slotOf(agent, number);
  const { pin } = slot;
  // An abort vote promises that nothing leaves in this slot any more.
  if (!pin || slot.stage !== 'encoding' || slot.closed || slot.vote || slot.sent) return;
  if (integers.length !== pin.open.vec.length) {
    throw new RangeError(`${integers.length} integers, the round has ${pin.open.vec.length}`);
  }
  const keys = slotKeys(agent, number);
  if (!keys) throw new Error(`no keys for slot ${number}`);
  delete slot.stage;
  const { roster, self, sigSeed } = agent.epoch!;
  const { ports } = agent.options;
  const { transcript, open } = pin;
  const words = withCanaries(integers);
  const ikm = hedged(ports.randomBytes(32), localSecret(agent));
  const draw = uploadDraw(ikm, transcript, words);
  const peers = membersOf(open.participants, roster.params.n)!.filter((j) => j !== self);
  maskWords(words, { transcript, self, b: draw.key, edge: keys.edge, peers });
  const y = wordBytes(words);
  const value = headerMessage(agent, { number, transcript, y, draw, keys });
  const hdr = headerOf(value);
  const header = {
    body: ports.codec.encode('Upload', value),
    sig: ports.signer.sign(sigSeed, hdr),
  };
  slot.sent = { hdr, header };
  slot.y = y;
  const { runId, round, attempt } = open;
  agent.runs.set(runId, { round, attempt });
  const records = {
    [`slot/${number}/sent`]: slot.sent,
    [`slot/${number}/y`]: y,
    [`run/${runId}`]: { round, attempt },
  };
  const { epochNumber } = roster;
  persist(agent, records, { kind: 'upload', slot: number, epochNumber, transcript, open, hdr });
  sendUpload(agent, number);
}

/** Hands the stored upload to the driver, always the same bytes. */
export function sendUpload(agent: Agent, number: number): void {
  const { sent, y } = slotOf(agent, number);
  if (!sent || !y) return;
  const envelope = { type: 'Upload' as const, ...sent.header, sender: agent.options.member };
  agent.out.push({ kind: 'upload', slot: number, envelope, body: y });
}

/** The coordinator's Acceptance: kept for the receipt. */
export function onAccepted(agent: Agent, number: number, signature: Uint8Array): void {
  const slot = slotOf(agent, number);
  if (!slot.sent || slot.accepted) return;
  const { ports, manifest } = agent.options;
  const message = acceptedStatement(slot.sent.hdr);
  const good = manifest.coordinatorKeys.some((publicKey) =>
    ports.signer.verify({ publicKey, message, signature }),
  );
  if (!good) return alarm(agent, 'acceptance-forged', { slot: number });
  slot.accepted = signature;
  persist(agent, { [`slot/${number}/accepted`]: signature });
}

interface Masking {
  readonly transcript: Uint8Array;
  readonly self: number;
  readonly b: Uint8Array;
  readonly edge: ReadonlyMap<number, Uint8Array>;
  readonly peers: readonly number[];
}

function maskWords(words: Uint32Array, { transcript, self, b, edge, peers }: Masking): void {
  applyMask(words, selfMaskKey(b, transcript, self), 1);
  for (const j of peers) {
    applyMask(words, pairMaskKey(edge.get(j)!, transcript, [self, j]), pairSign(self, j));
  }
}

interface Masked {
  readonly number: number;
  readonly transcript: Uint8Array;
  readonly y: Uint8Array;
  readonly draw: HedgedDraw;
  readonly keys: SlotKeys;
}

function headerMessage(agent: Agent, { number, transcript, y, draw, keys }: Masked): Upload {
  const { roster, self } = agent.epoch!;
  const { L, t } = roster.params;
  const { key: b, salt, coeffSeed } = draw;
  const bodyHash = sha256(y);
  const id = { transcript, agent: self, bodyHash };
  const shares = split({ secret: b, holders: L, threshold: t, coeffSeed });
  return {
    epoch: roster.ctx,
    slot: number,
    ...id,
    salt,
    selfCommit: selfCommit(id, b),
    shareCts: shares.map((share, position) => {
      const channel = keys.channelTo.get(position)!;
      return sealSelfShare({ channel, salt, slot: number, position }, id, share);
    }),
    shareCommits: shares.map((share, position) => selfShareCommit(id, position, share)),
  };
}
