import type { MessagePort } from 'node:worker_threads';
import { loadBackend } from '@tacit/models/backend.ts';
import type { BackendKind } from '@tacit/models/backend-port.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { Secret } from '@tacit/privacy/secret.ts';
import type { CompiledPlan } from '@tacit/proto/plan/compiled-plan.ts';
import type { RoundPurpose } from '@tacit/proto/plan/schedule.ts';
import { contributionOf } from './contribution.ts';
import type { LearnerData } from './learner-data.ts';

/** What the thread is started with: one plan and the learners it reads. */
export interface TrainerSettings {
  readonly plan: CompiledPlan;
  readonly data: LearnerData;
  readonly backend: 'auto' | BackendKind;
}

/** A task as it crosses into the thread: secrets as bytes, which a message channel can carry. */
export interface TrainerRequest {
  readonly id: number;
  readonly purpose: RoundPurpose;
  readonly rateThreshold: number;
  readonly modelBytes: Uint8Array;
  readonly sampleKey: Uint8Array;
  readonly noiseKeyMaterial: Uint8Array;
  readonly transcript: Uint8Array;
}

/** The thread's messages: the picked backend once, then one answer per request. */
export type TrainerAnswer =
  | { readonly kind: 'ready'; readonly backend: string }
  | { readonly kind: 'done'; readonly id: number; readonly words: Int32Array }
  | { readonly kind: 'refused'; readonly id: number; readonly refusal: Refusal };

/** Loads the tensor backend, says so, then does one contribution per message. */
export async function run(port: MessagePort, settings: TrainerSettings): Promise<void> {
  const { plan, data } = settings;
  const backend = await loadBackend({ prefer: settings.backend });
  const answer = (message: TrainerAnswer) => port.postMessage(message);
  answer({ kind: 'ready', backend: backend.report });
  port.on('message', (request: TrainerRequest) => {
    const noise = { ikm: new Secret(request.noiseKeyMaterial), transcript: request.transcript };
    const words = contributionOf({ ...request, plan, backend, data, noise });
    const { id } = request;
    answer(
      isRefusal(words) ? { kind: 'refused', id, refusal: words } : { kind: 'done', id, words },
    );
  });
}
