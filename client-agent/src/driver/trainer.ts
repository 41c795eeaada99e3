import { Worker } from 'node:worker_threads';
import type { BackendKind } from '@tacit/models/backend-port.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { TrainingTask } from '../core/effect.ts';
import type { SourceSpec } from '../data/source.ts';
import { buffersOf, type DroppedRows, type LoadedLearnerData } from './learner-data.ts';
import type { TrainerAnswer, TrainerRequest, TrainerSettings } from './trainer-thread.ts';

/** Does the learners' part of rounds in a thread of its own: the event loop only moves bytes. */
export interface Trainer {
  contribute(task: TrainingTask): Promise<Int32Array | Refusal>;
  close(): Promise<void>;
}

/** Reads the learners at the first task of each plan, with the contract that the plan names. */
export function createTrainer(settings: {
  source: SourceSpec;
  backend: 'auto' | BackendKind;
  /** Told once per plan which tensor backend the self-check picked, and why. */
  picked: (backend: string) => void;
  /** Told once per plan when rows of the source could not be used. It must stay in this unit. */
  rowsDropped: (dropped: DroppedRows) => void;
}): Trainer {
  let current: { planHash: string; thread: Promise<TrainerThread | Refusal> } | undefined;
  const close = async () => {
    const thread = await current?.thread;
    current = undefined;
    if (thread && !isRefusal(thread)) await thread.close();
  };
  return {
    contribute: async (task) => {
      if (current?.planHash !== task.planHash) {
        await close();
        current = { planHash: task.planHash, thread: prepare(task, settings) };
      }
      const mine = current;
      const thread = await mine.thread;
      const words = isRefusal(thread) ? thread : await thread.contribute(task);
      // A file may be mended and a thread that ended is lost: begin anew at the next round.
      if (isRefusal(words) && current === mine) current = undefined;
      return words;
    },
    close,
  };
}

interface TrainerThread {
  contribute(task: TrainingTask): Promise<Int32Array | Refusal>;
  close(): Promise<void>;
}

async function prepare(
  { plan }: TrainingTask,
  settings: Parameters<typeof createTrainer>[0],
): Promise<TrainerThread | Refusal> {
  const spec = { source: settings.source, contract: plan.contract, split: plan.split };
  const loaded = await loadInThread(spec);
  if (isRefusal(loaded)) return loaded;
  const { dropped, ...data } = loaded;
  if (dropped.rows > 0) settings.rowsDropped(dropped);
  return startThread({ plan, data, backend: settings.backend }, settings.picked);
}

function loadInThread(spec: object): Promise<LoadedLearnerData | Refusal> {
  return new Promise((resolve) => {
    const worker = thread('./loader-thread.ts', { workerData: { spec } });
    worker.on('message', resolve);
    worker.on('error', (error) => resolve(refuse('source-failed', { message: error.message })));
  });
}

function startThread(
  settings: TrainerSettings,
  picked: (backend: string) => void,
): Promise<TrainerThread | Refusal> {
  const transferList = buffersOf(settings.data);
  const worker = thread('./trainer-thread.ts', { workerData: settings, transferList });
  const pending = new Map<number, (words: Int32Array | Refusal) => void>();
  let count = 0;
  const settle = (id: number, words: Int32Array | Refusal) => {
    pending.get(id)?.(words);
    pending.delete(id);
  };
  const contribute = (task: TrainingTask) =>
    new Promise<Int32Array | Refusal>((resolve) => {
      const id = count++;
      pending.set(id, resolve);
      worker.postMessage(requestOf(id, task));
    });
  const close = async () => void (await worker.terminate());
  return new Promise((resolve) => {
    worker.on('message', (answer: TrainerAnswer) => {
      if (answer.kind === 'ready') {
        picked(answer.backend);
        resolve({ contribute, close });
      } else settle(answer.id, answer.kind === 'done' ? answer.words : answer.refusal);
    });
    const lost = (message: string) => {
      const refusal = refuse('trainer-failed', { message });
      resolve(refusal);
      for (const id of [...pending.keys()]) settle(id, refusal);
    };
    worker.on('error', (error) => lost(error.message));
    worker.on('exit', () => lost('the thread ended'));
  });
}

function thread(
  module: string,
  options: { workerData: object; transferList?: ArrayBuffer[] },
): Worker {
  return new Worker(new URL('./thread.mjs', import.meta.url), {
    workerData: { ...options.workerData, module },
    transferList: options.transferList,
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
}

function requestOf(id: number, task: TrainingTask): TrainerRequest {
  const { purpose, rateThreshold, modelBytes, sampleKey, noise } = task;
  return {
    id,
    purpose,
    rateThreshold,
    modelBytes,
    sampleKey: sampleKey.reveal(),
    noiseKeyMaterial: noise.ikm.reveal(),
    transcript: noise.transcript,
  };
}
