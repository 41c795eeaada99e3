import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, hex, u32, utf8 } from '../crypto/bytes.ts';
import { ed25519 } from '../crypto/ed25519.ts';
import { H, hkdf, KDF, sha256 } from '../crypto/hash.ts';
import { counterBlock, keystream, Prg } from '../crypto/prg.ts';
import { seal, unseal } from '../crypto/seal.ts';
import { combine, split, weightsAtZero } from '../crypto/shamir.ts';
import { x25519 } from '../crypto/x25519.ts';
import { Secret } from '../secret.ts';
import { bitmapOf, membersOf } from './bitmap.ts';
import { maskedLength, stripCanaries, withCanaries } from './canary.ts';
import { bundleDraw } from './hedge.ts';
import { applyMask, fold, pairMaskKey, pairSign, selfMaskKey, wordBytes } from './mask.ts';
import { channelKey, edgeKey, kemCiphertextHash, nextRoot, pairRoots } from './ratchet.ts';
import {
  abortStatement,
  edgeCommit,
  selfCommit,
  survivorsStatement,
  transcriptHash,
  uploadHeader,
  uploadsRoot,
} from './statement.ts';
import { committee, neighbours, ringOrder } from './testing/graph.ts';
import { shuffle } from './testing/shuffle.ts';

interface Vector {
  readonly id: string;
  // The file holds another shape for every id; `never` fits each parameter it is passed to.
  readonly inputs: Record<string, never>;
  readonly expected: never;
}

const path = new URL('../../../test/vector/secagg_kat.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(path, 'utf8')) as { vectors: Vector[] };
const byId = new Map(vectors.map((vector) => [vector.id, vector]));

/** Bytes of the file's notation. */
function bytes(text: string): Uint8Array {
  const repeated = /^([0-9a-f]{2}) x (\d+)$/.exec(text);
  if (repeated) return new Uint8Array(Number(repeated[2])).fill(Number.parseInt(repeated[1]!, 16));
  if (text.startsWith('utf8:')) return utf8(text.slice(5));
  if (text.startsWith('u32:')) return u32(Number(text.slice(4)));
  const other = /^expected of (.+)$/.exec(text);
  if (other) return bytes(byId.get(other[1]!)!.expected);
  if (text === '00 01 .. 1f') return Uint8Array.from({ length: 32 }, (_, i) => i);
  return fromHex(text);
}

function words(of: Uint8Array | Uint32Array, size = 4): string {
  const raw = of instanceof Uint32Array ? wordBytes(of) : of;
  const out: string[] = [];
  for (let at = 0; at < raw.length; at += size) {
    out.push(hex(raw.slice(at, at + size).reverse()));
  }
  return out.join(' ');
}

type Answer = (inputs: Record<string, never>) => unknown;

const rfc5869: Answer = (v) =>
  hex(hkdf({ ikm: bytes(v.ikm!), salt: bytes(v.salt!), info: bytes(v.info!), length: v.length! }));

const rfc8032: Answer = (v) => {
  const seed = bytes(v.secretKey!);
  const message = bytes(v.message!);
  const signature = ed25519.sign(seed, message);
  expect(ed25519.verify({ publicKey: ed25519.publicKey(seed), message, signature })).toBe(true);
  return hex(signature);
};

const shamir: Answer = (v) => {
  const secret = bytes(v.secret!);
  const coeffSeed = bytes(v.coeffSeed!);
  const shares = split({ secret, holders: v.L!, threshold: v.t!, coeffSeed });
  const some = [2, 0, 1];
  const picked = some.map((position) => shares[position]!);
  expect(hex(combine(picked, weightsAtZero(some)))).toBe(hex(secret));
  return shares.map(hex);
};

const ANSWERS: Record<string, Answer> = {
  'rfc7748-6.1': (v) => hex(x25519(bytes(v.privateKey!), bytes(v.peerPublicKey!))!),
  'rfc5869-a1': rfc5869,
  'rfc5869-a2': rfc5869,
  'rfc5869-a3': rfc5869,
  'sp800-38a-f5.5': (v) => {
    const cipher = createCipheriv('aes-256-ctr', bytes(v.key!), bytes(v.counter!));
    return cipher.update(bytes(v.plaintext!)).toString('hex');
  },
  'rfc8032-7.1-1': rfc8032,
  'rfc8032-7.1-2': rfc8032,
  'h-transcript': (v) => hex(H(v.label!, ...(v.fields! as string[]).map(bytes))),
  'h-fields': (v) =>
    (v.fields! as string[][]).map((fields) => hex(H(v.label!, ...fields.map(bytes)))),
  'kdf-pair-mask': (v) => {
    const fields = (v.fields! as string[]).map(bytes);
    return hex(KDF({ ikm: bytes(v.ikm!), salt: bytes(v.salt!), label: v.label!, fields }));
  },
  'prg-u32': (v) => words(new Prg(bytes(v.key!)).bytes(16)),
  'prg-rings': (v) =>
    Object.fromEntries(
      [16, 24, 32].map((bits) => {
        return [bits, words(new Prg(bytes(v.key!)).bytes(bits / 2), bits / 8)];
      }),
    ),
  'prg-seek': (v) => ({
    counter: hex(counterBlock((v.element! * 4) / 16)),
    words: words(keystream(bytes(v.key!), v.element! * 4, 16)),
  }),
  seal: (v) => {
    const input = { key: bytes(v.key!), aad: bytes(v.aad!) };
    const text = seal({ ...input, text: bytes(v.plaintext!) });
    expect(hex(unseal({ ...input, text })!)).toBe(hex(bytes(v.plaintext!)));
    return hex(text);
  },
  'shamir-16': shamir,
  'shamir-32': shamir,
  'shuffle-8': (v) => shuffle(v.n!, bytes(v.key!)),
  'graph-10-4': (v) => ({
    ring: ringOrder(v.n!, bytes(v.seed!)),
    neighbours: neighbours(v.n!, v.k!, bytes(v.seed!)),
  }),
  'committee-10-4': (v) => committee(v.n!, v.L!, bytes(v.seed!)),
  bitmap: (v) => {
    const bits = bitmapOf(v.set!, v.n!);
    expect(membersOf(bits, v.n!)).toEqual(v.set!);
    return hex(bits);
  },
  'pair-keys': (v) => pairKeys(v),
  ratchet: (v) => {
    const ctx = bytes(v.ctx!);
    const root1 = nextRoot(bytes(v.root0!), ctx);
    const root2 = nextRoot(root1, ctx);
    const kappa2 = hex(edgeKey(root2, ctx, 2));
    return { root1: hex(root1), root2: hex(root2), kappa2, chan2: hex(channelKey(root2, ctx, 2)) };
  },
  hedge: (v) => hedge(v),
  'transcript-full': (v) => hex(fullTranscript(v)),
  'mini-round': (v) => miniRound(v),
};

describe('known answers of secagg_kat.json', () => {
  test('every vector of the file has an answer here', () => {
    expect(Object.keys(ANSWERS).sort()).toEqual(vectors.map(({ id }) => id).sort());
  });

  test.each(vectors)('$id', ({ id, inputs, expected }) => {
    expect(ANSWERS[id]!(inputs)).toEqual(expected);
  });
});

function pairKeys(v: Record<string, never>) {
  const ctx = bytes(v.ctx!);
  const ct = kemCiphertextHash(bytes(v.kemCiphertext!));
  const ends = { ctx, self: v.i! as number, peer: v.j! as number };
  const classical = pairRoots(bytes(v.x25519!), ends);
  const hybrid = pairRoots(concat(bytes(v.x25519!), bytes(v.mlkem!), ct), ends);
  return {
    classical: {
      edgeRoot: hex(classical.edge),
      chan0to1: hex(classical.channelTo),
      chan1to0: hex(classical.channelFrom),
    },
    hybrid: {
      kemCtHash: hex(ct),
      edgeRoot: hex(hybrid.edge),
      chan0to1: hex(hybrid.channelTo),
    },
  };
}

// The file gives SHA-256 values where the modules hash the words themselves, so the two upload
// and noise draws are rebuilt from KDF; the bundle goes through the module.
function hedge(v: Record<string, never>) {
  const ikm = concat(bytes(v.random32!), bytes(v.localSecret!));
  const salt = bytes(v.T!);
  const derive = (label: string, key: Uint8Array, ...fields: Uint8Array[]) =>
    KDF({ ikm: key, salt, label, fields });
  const g = derive('hedge', ikm, bytes(v.sha256OfWords!));
  const noise = derive('hedge-noise', ikm, bytes(v.sha256OfIntegersBeforeNoise!));
  const of = { epoch: bytes(v.ctx!), slot: v.slot! as number, agent: v.agent! as number };
  const bundle = bundleDraw(new Secret(ikm), of);
  return {
    upload: {
      b: hex(derive('self-seed', g)),
      salt: hex(derive('salt', g)),
      coeffSeed: hex(derive('coeff', g)),
    },
    noiseSeed: hex(noise),
    bundle: { eps: hex(bundle.key), salt: hex(bundle.salt), coeffSeed: hex(bundle.coeffSeed) },
  };
}

function fullTranscript(v: Record<string, never>): Uint8Array {
  const open = {
    epoch: bytes(v.ctx!),
    runId: (v.runId! as string).slice('utf8:'.length),
    slot: v.slot!,
    round: v.round!,
    attempt: v.attempt!,
    modelHash: bytes(v.modelHash!),
    planHash: bytes(v.planHash!),
    participants: bitmapOf(v.P!, v.n!),
    bundleHashes: (v.bundleHashes! as string[]).map(bytes),
  };
  return transcriptHash(open, {
    privacyHash: bytes(v.privacyHash!),
    vecSpecHash: bytes(v.vecSpecHash!),
  });
}

function miniRound(v: Record<string, never>) {
  const epoch = bytes(v.ctx!);
  const transcript = bytes(v.T!);
  const slot = v.slot! as number;
  const edges = Object.entries(v.edgeRootsAtSlot0! as Record<string, string>);
  const kappas = new Map(
    edges.map(([edge, root]) => {
      const standing = nextRoot(nextRoot(bytes(root), epoch), epoch);
      return [edge, edgeKey(standing, epoch, slot)];
    }),
  );
  const edge = (i: number, j: number) => `${Math.min(i, j)}-${Math.max(i, j)}`;
  const pairKey = (i: number, j: number) =>
    pairMaskKey(kappas.get(edge(i, j))!, transcript, [i, j]);
  const P = v.P! as number[];
  const U = v.U! as number[];
  const bs = (v.b! as string[]).map(bytes);
  const selfKeys = P.map((i) => selfMaskKey(bs[i]!, transcript, i));
  const ys = P.map((i) => {
    const y = withCanaries(Int32Array.from(v.x![i]! as number[]));
    applyMask(y, selfKeys[i]!, 1);
    for (const j of P) if (j !== i) applyMask(y, pairKey(i, j), pairSign(i, j));
    return y;
  });
  const hs = ys.map((y) => sha256(wordBytes(y)));
  const commits = P.map((agent) => selfCommit({ transcript, agent }, bs[agent]!));
  const hdrs = P.map((agent) =>
    uploadHeader(
      { transcript, agent },
      {
        bodyHash: hs[agent]!,
        salt: bytes(v.salt![agent]!),
        selfCommit: commits[agent]!,
        sharesRoot: bytes(v.sharesRoot![agent]!),
      },
    ),
  );
  const root = uploadsRoot(U.map((i) => hdrs[i]!));
  const set = { epoch, slot, transcript, survivors: bitmapOf(U, 3), root };
  const sum = new Uint32Array(maskedLength(4));
  for (const i of U) {
    fold(sum, ys[i]!);
    applyMask(sum, selfKeys[i]!, -1);
    applyMask(sum, pairKey(i, 1), pairSign(i, 1) === 1 ? -1 : 1);
  }
  const kappa01 = kappas.get('0-1')!;
  return {
    pairMaskKeys: Object.fromEntries(
      edges.map(([name]) => {
        const [i, j] = name.split('-').map(Number);
        return [name, hex(pairKey(i!, j!))];
      }),
    ),
    selfMaskKeys: selfKeys.map(hex),
    y: ys.map((y) => words(y)),
    h: hs.map(hex),
    selfCommit: commits.map(hex),
    hdr: hdrs.map(hex),
    edgeCommit01: hex(edgeCommit({ epoch, slot, i: 0, j: 1 }, kappa01)),
    root: hex(root),
    survivorsStatement: hex(survivorsStatement(set)),
    abortStatement: hex(abortStatement(epoch, slot)),
    sumWords: words(sum),
    decoded: [...stripCanaries(sum, { d: 4, survivors: 2 })!],
    canaries: [...sum.subarray(4)],
  };
}
