import { equalBytes } from '../crypto/bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { isRefusal, type Refusal, refuse } from '../refusal.ts';
import { readMessage, signedByAny } from './envelope.ts';
import type { Manifest } from './manifest.ts';
import type { Hello, Signed } from './message.ts';
import { deriveParameters, type Parameters, parametersHash } from './parameters.ts';
import type { Ports } from './port.ts';
import { delegationStatement, epochContext, helloSetHash } from './statement.ts';

/** What every member of an epoch computes from its HelloSet. Lists go by roster position. */
export interface Roster {
  readonly epochNumber: number;
  readonly attempt: number;
  readonly params: Parameters;
  /** Positions in the manifest, ascending. */
  readonly members: readonly number[];
  readonly sigPks: readonly Uint8Array[];
  readonly dhPks: readonly Uint8Array[];
  readonly kemPkHashes: readonly Uint8Array[];
  readonly helloSetHash: Uint8Array;
  readonly ctx: Uint8Array;
}

/** The manifest and the hash of its exact bytes. */
export interface PinnedManifest {
  readonly manifest: Manifest;
  readonly manifestHash: Uint8Array;
}

/** The Hello in an envelope with its member's position, or why it is not acceptable. */
export function checkHello(
  ports: Ports,
  pinned: PinnedManifest,
  { signed, atMs }: { signed: Signed; atMs: number },
): { hello: Hello; member: number } | Refusal {
  const { manifest, manifestHash } = pinned;
  const hello = readMessage(ports.codec, { type: 'Hello', body: signed.body }, 0);
  if (!hello) return refuse('hello-malformed', {});
  const { agentId, delegation } = hello;
  const member = manifest.agents.findIndex((agent) => agent.agentId === agentId);
  if (member < 0) return refuse('hello-stranger', { agentId });
  if (!equalBytes(hello.manifestHash, manifestHash)) return refuse('hello-manifest', { agentId });
  if (hello.kemPkHash.length !== (manifest.kem === 'none' ? 0 : 32)) {
    return refuse('hello-kem', { agentId });
  }
  const pinnedKey = manifest.agents[member]!.identityKeyHash;
  if (!equalBytes(sha256(delegation.identitySpki), pinnedKey)) {
    return refuse('hello-identity', { agentId });
  }
  const seconds = Math.floor(atMs / 1000);
  if (!(delegation.notBefore <= seconds && seconds <= delegation.notAfter)) {
    return refuse('hello-expired', { agentId, notAfter: delegation.notAfter });
  }
  const { federationId } = manifest;
  const delegated = ports.verifyIdentity({
    spki: delegation.identitySpki,
    message: delegationStatement({ federationId, agentId, ...delegation }),
    signature: delegation.signature,
  });
  if (!delegated || !signedByAny(ports.signer, [delegation.sigPk], { type: 'Hello', ...signed })) {
    return refuse('hello-signature', { agentId });
  }
  return { hello, member };
}

/**
 * Section 4's checks of a HelloSet that do not depend on the reader: delegations, membership,
 * one (manifest, epoch, attempt) in all, byte order, no duplicate id or key, enough agents.
 */
export function checkHelloSet(
  ports: Ports,
  pinned: PinnedManifest,
  { hellos, atMs }: { hellos: readonly Signed[]; atMs: number },
): Roster | Refusal {
  const checked: { hello: Hello; member: number }[] = [];
  for (const signed of hellos) {
    const one = checkHello(ports, pinned, { signed, atMs });
    if (isRefusal(one)) return one;
    checked.push(one);
  }
  const params = deriveParameters(pinned.manifest, checked.length);
  if (isRefusal(params)) return params;
  const members = checked.map(({ member }) => member);
  if (members.some((member, i) => i > 0 && member <= members[i - 1]!)) {
    return refuse('hello-order', {});
  }
  const { epochNumber, attempt } = checked[0]!.hello;
  const all = checked.map(({ hello }) => hello);
  if (all.some((hello) => hello.epochNumber !== epochNumber || hello.attempt !== attempt)) {
    return refuse('hello-epoch', { epochNumber, attempt });
  }
  const sigPks = all.map(({ delegation }) => delegation.sigPk);
  const dhPks = all.map(({ dhPk }) => dhPk);
  const kemPkHashes = all.map(({ kemPkHash }) => kemPkHash);
  const keyLists = pinned.manifest.kem === 'none' ? [sigPks, dhPks] : [sigPks, dhPks, kemPkHashes];
  if (keyLists.some(hasDuplicate)) return refuse('hello-duplicate-key', {});
  const setHash = helloSetHash(hellos.map(({ body }) => body));
  const ctx = epochContext({
    manifestHash: pinned.manifestHash,
    epochNumber,
    attempt,
    helloSetHash: setHash,
    paramsHash: parametersHash(params),
  });
  const keys = { sigPks, dhPks, kemPkHashes };
  return { epochNumber, attempt, params, members, ...keys, helloSetHash: setHash, ctx };
}

function hasDuplicate(keys: readonly Uint8Array[]): boolean {
  return keys.some((key, i) => keys.findIndex((other) => equalBytes(key, other)) < i);
}
