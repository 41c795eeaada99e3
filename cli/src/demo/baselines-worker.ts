import { parentPort, workerData } from 'node:worker_threads';
import type { SourceSpec } from '@tacit/client-agent/data/source.ts';
import { loadBackend } from '@tacit/models/backend.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import type { AuthoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import {
  type Baselines,
  computeBaselines,
  type HeadAucs,
  openBench,
  scoreAll,
} from './baselines.ts';
import type { DemoPlan } from './plans.ts';

/** What the worker is started with. */
export interface BaselineSettings {
  readonly plan: AuthoredPlan;
  readonly recipes: DemoPlan['recipes'];
  readonly units: readonly { readonly bu: string; readonly source: SourceSpec }[];
}

/** Answers: the baselines once, and the exact figures of each model that is sent in. */
export type BaselineAnswer =
  | { readonly kind: 'baselines'; readonly baselines: Baselines }
  | { readonly kind: 'scored'; readonly aucs: HeadAucs }
  | { readonly kind: 'failed'; readonly refusal: Refusal };

const settings = workerData as BaselineSettings;
const port = parentPort;
if (!port) throw new Error('the baselines run as a worker');
const answer = (message: BaselineAnswer) => port.postMessage(message);

const backend = await loadBackend();
const bench = openBench({ backend, ...settings });
if (isRefusal(bench)) answer({ kind: 'failed', refusal: bench });
else {
  const baselines = computeBaselines(bench);
  answer(
    isRefusal(baselines)
      ? { kind: 'failed', refusal: baselines }
      : { kind: 'baselines', baselines },
  );
  port.on('message', (parameters: Float32Array) =>
    answer({ kind: 'scored', aucs: scoreAll(bench, () => parameters) }),
  );
}
