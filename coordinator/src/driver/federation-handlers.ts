import { equalBytes, hex } from '@tacit/privacy/crypto/bytes.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { maskedLength } from '@tacit/privacy/secagg/canary.ts';
import type { SignedManifest } from '@tacit/proto/schema/manifest.ts';
import { fromJsonBytes } from '@tacit/proto/store/json.ts';
import type { Tables } from '@tacit/proto/store/tables.ts';
import { createCodec } from '@tacit/proto/wire/codec.ts';
import type { WireModelVersion } from '@tacit/proto/wire/service.ts';
import type { Logger } from 'pino';
import { blobOf, type Driver, refusedAcceptance } from './driver.ts';
import type { Caller, CompleteUpload, FederationHandlers } from './port.ts';

/** What agents may ask for: only members of the manifest, under the key it pins for them. */
export function federationHandlers(options: {
  manifest: SignedManifest;
  driver: Driver;
  tables: Tables;
  log: Logger;
}): FederationHandlers {
  const { manifest, driver, tables, log } = options;
  const memberOf = (caller: Caller) => memberIn(manifest, caller);
  const asMember = <T>(caller: Caller, body: (member: number) => T | Refusal): T | Refusal => {
    const member = memberOf(caller);
    return isRefusal(member) ? member : body(member);
  };
  return {
    opened: (caller, session) => {
      const member = memberOf(caller);
      if (isRefusal(member)) {
        log.warn({ code: member.refused, identity: caller.uri }, 'session refused');
        return member;
      }
      driver.opened(member, session);
      return undefined;
    },
    received: (caller, envelope) => {
      const member = memberOf(caller);
      if (!isRefusal(member)) driver.received(member, envelope);
    },
    closed: (caller, session) => {
      const member = memberOf(caller);
      if (!isRefusal(member)) driver.closed(member, session);
    },
    uploadBytes: (caller) =>
      asMember(caller, () => {
        const length = driver.openVectorLength();
        return length === undefined ? refuse('upload-late') : 4 * maskedLength(length);
      }),
    uploaded: async (caller, upload) => {
      const member = memberOf(caller);
      if (isRefusal(member)) return refusedAcceptance(member);
      const wrong = unlikeItsHeader(upload);
      return wrong ? refusedAcceptance(wrong) : driver.uploaded(member, upload);
    },
    runIsOver: (caller, runId) => asMember(caller, () => driver.runIsOver(runId)),
    blob: (caller, hash) => asMember(caller, () => blobOf(tables, hash)),
    modelVersion: (caller, request) => asMember(caller, () => storedVersion(tables, request)),
  };
}

const codec = createCodec();

/** The vector that arrived must be the one whose hash its sender signed, or nothing is folded. */
function unlikeItsHeader({ header, bodyHash }: CompleteUpload): Refusal | undefined {
  const upload = codec.decode('Upload', header.body);
  if (isRefusal(upload)) return refuse('upload-malformed', { reason: 'header' });
  if (equalBytes(upload.bodyHash, bodyHash)) return undefined;
  return refuse('upload-malformed', { reason: 'hash' });
}

/** The manifest position of a caller: its identity and its pinned key must both match. */
function memberIn(manifest: SignedManifest, caller: Caller): number | Refusal {
  const { agents } = manifest.manifest;
  const member = agents.findIndex((agent) => agent.agentId === caller.uri);
  if (member < 0) return refuse('identity-unknown', { identity: caller.uri });
  if (equalBytes(agents[member].identityKeyHash, caller.publicKeyHash)) return member;
  return refuse('identity-unknown', { identity: caller.uri, reason: 'key not pinned' });
}

/** A stored version by hash, or the newest of the run when the hash is empty. */
function storedVersion(
  tables: Tables,
  request: { runId: string; modelHash: Uint8Array },
): WireModelVersion | Refusal {
  const versions = versionsOf(tables, request.runId);
  if (request.modelHash.length === 0) {
    return versions.at(-1) ?? refuse('model-unknown', { runId: request.runId });
  }
  const wanted = hex(request.modelHash);
  const found = versions.findLast((version) => recordOf(version).modelHash === wanted);
  return found ?? refuse('model-unknown', { runId: request.runId, modelHash: wanted });
}

/** Every signed version of a run, or of all runs when the name is empty; oldest first. */
export function versionsOf(tables: Tables, runId: string): WireModelVersion[] {
  return tables.entries('model_version', runId && `${runId}/`).map(([, value]) => {
    const { body, sig } = fromJsonBytes<{ body: string; sig: string }>(value);
    return { body: Buffer.from(body, 'hex'), sig: Buffer.from(sig, 'hex') };
  });
}

function recordOf(version: WireModelVersion): { modelHash: string } {
  return fromJsonBytes<{ modelHash: string }>(version.body);
}
