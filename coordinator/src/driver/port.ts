import type { Refusal } from '@tacit/privacy/refusal.ts';
import type { WireAcceptance, WireEnvelope, WireModelVersion } from '@tacit/proto/wire/service.ts';

/** Who is calling, read from the client certificate that TLS verified. */
export interface Caller {
  /** The SPIFFE URI of the certificate. */
  readonly uri: string;
  /** SHA-256 of the public key (SPKI DER): what a manifest pins, so renewals keep it. */
  readonly publicKeyHash: Uint8Array;
}

/** One agent's open session, as the driver sees it. */
export interface AgentSession {
  send(envelope: WireEnvelope): void;
  end(): void;
}

/** An upload that arrived whole: its header envelope and the masked vector's bytes. */
export interface CompleteUpload {
  readonly header: WireEnvelope;
  readonly body: Uint8Array;
  /** SHA-256 of `body`, taken while it streamed. */
  readonly bodyHash: Uint8Array;
}

/** What the driver offers to the federation service. */
export interface FederationHandlers {
  opened(caller: Caller, session: AgentSession): Refusal | undefined;
  received(caller: Caller, envelope: WireEnvelope): void;
  closed(caller: Caller, session: AgentSession): void;
  /** Bytes this upload must have, asked before anything is allocated for it. */
  uploadBytes(caller: Caller, header: WireEnvelope): number | Refusal;
  uploaded(caller: Caller, upload: CompleteUpload): Promise<WireAcceptance>;
  blob(caller: Caller, hash: Uint8Array): Uint8Array | Refusal;
  /** Whether a run has ended. */
  runIsOver(caller: Caller, runId: string): boolean | Refusal;
  modelVersion(
    caller: Caller,
    request: { runId: string; modelHash: Uint8Array },
  ): WireModelVersion | Refusal;
}

/** What the driver offers to people and their command line. */
export interface OperationsHandlers {
  readonly federationId: string;
  propose(request: { plan: Uint8Array; reason: string; submitToken: string }): object | Refusal;
  runs(): object[];
  run(runId: string): object | Refusal;
  /** Calls back with every event of the run from its first on; gives the way to stop. */
  watch(runId: string, listener: (event: object, last: boolean) => void): (() => void) | Refusal;
  models(runId: string): WireModelVersion[];
  blob(caller: Caller, hash: Uint8Array): Uint8Array | Refusal;
}
