import { concat, u32 } from '../crypto/bytes.ts';
import { KDF, sha256 } from '../crypto/hash.ts';
import { Secret } from '../secret.ts';
import type { NoiseMaterial } from './agent/event.ts';
import { wordBytes } from './mask.ts';

/**
 * Hedged randomness (SECAGG.md sections 5 and 7): fresh bytes joined with the agent's local
 * secret, so a generator that repeats on a cloned or rolled-back machine repeats nothing usable.
 */
export function hedged(random32: Uint8Array, localSecret: Secret): Secret {
  return new Secret(concat(random32, localSecret.reveal()));
}

/** Key of the PRG for sampling and rounding coins. */
export function sampleKeyOf(material: NoiseMaterial): Secret {
  const { ikm, transcript } = material;
  return new Secret(KDF({ ikm: ikm.reveal(), salt: transcript, label: 'hedge-sample' }));
}

/** Key of the PRG for noise; it depends on the integers before noise, without canaries. */
export function noiseKeyOf(material: NoiseMaterial, integers: Int32Array): Secret {
  const fields = [sha256(wordBytes(integers))];
  const { ikm, transcript } = material;
  return new Secret(KDF({ ikm: ikm.reveal(), salt: transcript, label: 'hedge-noise', fields }));
}

/** A secret to be shared (32 bytes), the salt of its seals, and the seed of its polynomial. */
export interface HedgedDraw {
  readonly key: Uint8Array;
  readonly salt: Uint8Array;
  readonly coeffSeed: Uint8Array;
}

/** b, salt and coeffSeed of an upload, bound to the words it will mask. */
export function uploadDraw(ikm: Secret, transcript: Uint8Array, words: Uint32Array): HedgedDraw {
  const fields = [sha256(wordBytes(words))];
  const g = KDF({ ikm: ikm.reveal(), salt: transcript, label: 'hedge', fields });
  const derive = (label: string) => KDF({ ikm: g, salt: transcript, label });
  return { key: derive('self-seed'), salt: derive('salt'), coeffSeed: derive('coeff') };
}

/** eps, salt and coeffSeed of a bundle. */
export function bundleDraw(
  ikm: Secret,
  of: { epoch: Uint8Array; slot: number; agent: number },
): HedgedDraw {
  const fields = [u32(of.slot), u32(of.agent)];
  const g = KDF({ ikm: ikm.reveal(), salt: of.epoch, label: 'hedge-bundle', fields });
  const derive = (label: string) => KDF({ ikm: g, salt: of.epoch, label });
  return {
    key: derive('escrow-key'),
    salt: derive('bundle-salt'),
    coeffSeed: derive('bundle-coeff'),
  };
}
