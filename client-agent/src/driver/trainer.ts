import { Worker } from 'node:worker_threads';
import { type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { TrainingTask } from '../core/effect.ts';
import type { TrainerAnswer, TrainerRequest, TrainerSettings } from './trainer-worker.ts';

/** Does the learners' part of rounds in a thread of its own, so that the event loop only moves bytes. */
export interface Trainer {
  /** One line: which tensor backend was picked and why. Rejects when none could be. */
  readonly ready: Promise<string>;
  contribute(task: TrainingTask): Promise<Int32Array | Refusal>;
  close(): Promise<void>;
}

/** Starts the worker. Data is read at the first task, with the contract that task names. */
export function startTrainer(settings: TrainerSettings): Trainer {
  const worker = new Worker(new URL('./trainer-entry.mjs', import.meta.url), {
    workerData: settings,
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  const pending = new Map<number, (words: Int32Array | Refusal) => void>();
  let count = 0;
  let announce: { resolve: (line: string) => void; reject: (error: Error) => void };
  const ready = new Promise<string>((resolve, reject) => {
    announce = { resolve, reject };
  });
  ready.catch(() => {});
  const settle = (id: number, words: Int32Array | Refusal) => {
    pending.get(id)?.(words);
    pending.delete(id);
  };
  worker.on('message', (answer: TrainerAnswer) => {
    if (answer.kind === 'ready') announce.resolve(answer.backend);
    else if (answer.kind === 'failed') announce.reject(new Error(answer.message));
    else settle(answer.id, answer.kind === 'done' ? answer.words : answer.refusal);
  });
  worker.on('error', (error) => {
    announce.reject(error);
    for (const id of [...pending.keys()]) {
      settle(id, refuse('trainer-failed', { message: error.message }));
    }
  });
  return {
    ready,
    contribute: (task) =>
      new Promise((resolve) => {
        const id = count++;
        pending.set(id, resolve);
        worker.postMessage(requestOf(id, task));
      }),
    close: async () => void (await worker.terminate()),
  };
}

function requestOf(id: number, task: TrainingTask): TrainerRequest {
  const { plan, planHash, purpose, rateThreshold, modelBytes, sampleKey, noise } = task;
  return {
    id,
    plan,
    planHash,
    purpose,
    rateThreshold,
    modelBytes,
    sampleKey: sampleKey.reveal(),
    noiseKeyMaterial: noise.ikm.reveal(),
    transcript: noise.transcript,
  };
}
