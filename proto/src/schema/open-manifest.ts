import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fromHex } from '@tacit/privacy/crypto/bytes.ts';
import { type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { openManifest, type SignedManifest } from './manifest.ts';

/** Reads a manifest, its detached signature and the membership key from files, and verifies. */
export function loadManifest(
  source: { readonly file: string; readonly signature: string; readonly membershipKey: string },
  folder: string,
): SignedManifest | Refusal {
  const read = (file: string) => readFileSync(resolve(folder, file));
  const hexOf = (file: string) => fromHex(read(file).toString('utf8').trim());
  try {
    return openManifest({
      exactBytes: new Uint8Array(read(source.file)),
      signature: hexOf(source.signature),
      membershipKey: hexOf(source.membershipKey),
    });
  } catch (error) {
    return refuse('config-missing', { file: source.file, message: (error as Error).message });
  }
}
