import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { ed25519 } from '@tacit/privacy/crypto/ed25519.ts';
import { H, sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { type ModelVersion, modelVersion } from '@tacit/proto/plan/model-version.ts';
import { parseChecked } from '@tacit/proto/schema/check.ts';
import { fromJsonBytes, jsonBytes } from '@tacit/proto/store/json.ts';
import type { Write } from '@tacit/proto/store/tables.ts';
import type { FetchedModel } from './effect.ts';

/** The model of a run this agent holds now. */
export interface HeldModel {
  readonly version: ModelVersion;
  readonly bytes: Uint8Array;
}

/**
 * Verifies a fetched version: signed by a coordinator key of the manifest, bytes that hash to what
 * was signed, and newer than the one held. Refuses `model-unverified` with what failed.
 */
export function verifyModel(
  fetched: FetchedModel,
  trusted: {
    coordinatorKeys: readonly Uint8Array[];
    held: (runId: string) => HeldModel | undefined;
  },
): HeldModel | Refusal {
  const statement = H('model-version', fetched.record);
  const { signature } = fetched;
  const signed = trusted.coordinatorKeys.some((publicKey) =>
    ed25519.verify({ publicKey, message: statement, signature }),
  );
  if (!signed) return refuse('model-unverified', { reason: 'signature' });
  const text = new TextDecoder().decode(fetched.record);
  const version = parseChecked({ text, file: 'model version', schema: modelVersion });
  if (isRefusal(version)) return version;
  if (hex(sha256(fetched.bytes)) !== version.modelHash) {
    return refuse('model-unverified', { reason: 'hash', version: version.version });
  }
  const held = trusted.held(version.runId);
  if (held && version.version < held.version.version) {
    return refuse('model-unverified', {
      reason: 'older',
      version: version.version,
      held: held.version.version,
    });
  }
  return { version, bytes: fetched.bytes };
}

/** The swap of a run's model: record and bytes change in one transaction or not at all. */
export function modelWrites(model: HeldModel): Write[] {
  const { runId } = model.version;
  return [
    { table: 'model', key: `${runId}/record`, value: jsonBytes(model.version) },
    { table: 'model', key: `${runId}/bytes`, value: model.bytes },
  ];
}

/** Models as stored, by run. */
export function heldModels(entries: readonly [string, Uint8Array][]): Map<string, HeldModel> {
  const values = new Map(entries);
  const models = new Map<string, HeldModel>();
  for (const [key, value] of entries) {
    if (!key.endsWith('/record')) continue;
    const version = modelVersion.parse(fromJsonBytes(value));
    const bytes = values.get(`${version.runId}/bytes`);
    if (bytes) models.set(version.runId, { version, bytes });
  }
  return models;
}
