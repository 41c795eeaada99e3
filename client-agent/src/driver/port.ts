import type { WireAcceptance, WireEnvelope, WireModelVersion } from '@tacit/proto/wire/service.ts';

/** The agent's only connection to the outside: it always calls, nobody calls it. */
export interface CoordinatorLink {
  /** Sends on the session; dropped silently while it is down (the core sends again on `up`). */
  send(envelope: WireEnvelope): void;
  upload(header: WireEnvelope, body: Uint8Array): Promise<WireAcceptance>;
  blob(hash: Uint8Array): Promise<Uint8Array>;
  modelVersion(runId: string, modelHash: Uint8Array): Promise<WireModelVersion>;
  /** Whether a run has ended; then nothing more will be charged to it. */
  runIsOver(runId: string): Promise<boolean>;
  close(): void;
}

/** Where to call, with which identity (PEM), and whom to tell. */
export interface LinkOptions {
  readonly target: string;
  readonly authorityPem: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly reconnectMs: { readonly first: number; readonly most: number };
  readonly onEnvelope: (envelope: WireEnvelope) => void;
  readonly onUp: () => void;
  /** `status` is a gRPC status code, `detail` the coordinator's words if it gave any. */
  readonly onDown: (status: number, detail: string, retryInMs: number) => void;
}
