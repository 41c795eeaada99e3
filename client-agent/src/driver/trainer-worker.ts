import { parentPort, workerData } from 'node:worker_threads';
import { loadBackend } from '@tacit/models/backend.ts';
import type { BackendKind } from '@tacit/models/backend-port.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { Secret } from '@tacit/privacy/secret.ts';
import type { CompiledPlan } from '@tacit/proto/plan/compiled-plan.ts';
import type { RoundPurpose } from '@tacit/proto/plan/schedule.ts';
import type { SourceSpec } from '../data/source.ts';
import { contributionOf } from './contribution.ts';
import { type LearnerData, loadLearnerData } from './learner-data.ts';

/** What the worker is started with. */
export interface TrainerSettings {
  readonly source: SourceSpec;
  readonly backend: 'auto' | BackendKind;
}

/** A task as it crosses into the worker: secrets as bytes, which a message channel can carry. */
export interface TrainerRequest {
  readonly id: number;
  readonly planHash: string;
  readonly plan: CompiledPlan;
  readonly purpose: RoundPurpose;
  readonly rateThreshold: number;
  readonly modelBytes: Uint8Array;
  readonly sampleKey: Uint8Array;
  readonly noiseKeyMaterial: Uint8Array;
  readonly transcript: Uint8Array;
}

/** The worker's answers: ready once, then one per request. */
export type TrainerAnswer =
  | { readonly kind: 'ready'; readonly backend: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'done'; readonly id: number; readonly words: Int32Array }
  | { readonly kind: 'refused'; readonly id: number; readonly refusal: Refusal };

const settings = workerData as TrainerSettings;
const port = parentPort;
if (!port) throw new Error('the trainer runs as a worker');
let loaded: { planHash: string; data: LearnerData } | undefined;

const starting = loadBackend({ prefer: settings.backend });
void starting.then(
  (backend) => port.postMessage({ kind: 'ready', backend: backend.report } satisfies TrainerAnswer),
  (error: Error) =>
    port.postMessage({ kind: 'failed', message: error.message } satisfies TrainerAnswer),
);

port.on('message', async (request: TrainerRequest) => {
  const words = await contribute(request).catch((error: Error) =>
    refuse('trainer-failed', { message: error.message }),
  );
  const { id } = request;
  const answer: TrainerAnswer = isRefusal(words)
    ? { kind: 'refused', id, refusal: words }
    : { kind: 'done', id, words };
  port.postMessage(answer);
});

async function contribute(request: TrainerRequest): Promise<Int32Array | Refusal> {
  const backend = await starting;
  const { plan, planHash } = request;
  if (loaded?.planHash !== planHash) {
    const data = loadLearnerData({
      source: settings.source,
      contract: plan.contract,
      split: plan.split,
    });
    if (isRefusal(data)) return data;
    loaded = { planHash, data };
  }
  const noise = { ikm: new Secret(request.noiseKeyMaterial), transcript: request.transcript };
  return contributionOf({ ...request, backend, data: loaded.data, noise });
}
