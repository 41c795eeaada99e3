import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { accountsIn } from '@tacit/client-agent/cli/budget.ts';
import type { SourceSpec } from '@tacit/client-agent/data/source.ts';
import { withClient } from '@tacit/coordinator/cli/client.ts';
import { fetchModel } from '@tacit/coordinator/cli/model.ts';
import { type RunSummary, watchEvents } from '@tacit/coordinator/cli/run.ts';
import type { RunEvent } from '@tacit/coordinator/core/effect.ts';
import { networkFromSafetensors } from '@tacit/models/export/network-file.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { exits } from '@tacit/proto/problem.ts';
import { jsonBytes } from '@tacit/proto/store/json.ts';
import type { Output } from '@tacit/proto/terminal/output.ts';
import { warmCodeCache } from '../warm.ts';
import type { Baselines, HeadAucs } from './baselines.ts';
import type { BaselineAnswer, BaselineSettings } from './baselines-worker.ts';
import { createFederation, writeConfigs } from './federation.ts';
import { type DemoLayout, demoLayout } from './layout.ts';
import { freePort, type Processes, startProcesses } from './processes.ts';
import { Progress } from './progress.ts';
import { type DemoResult, resultData, resultText, type UnitBudget } from './report.ts';
import { type DemoData, prepareUnits } from './units.ts';

/** What `tacit demo` was asked for. */
export interface DemoOptions {
  readonly data: string | undefined;
  readonly folder: string;
  readonly port: number;
  readonly fresh: boolean;
}

/** The main job on one machine: a federation of processes over mutual TLS, trained and judged. */
export async function runDemo(
  options: DemoOptions,
  output: Output,
): Promise<number | Refusal | undefined> {
  const startedMs = Date.now();
  const layout = demoLayout(resolve(options.folder));
  const opened = await openFolder(options, layout, output);
  if (isRefusal(opened)) return opened;
  const port = await freePort(options.port);
  if (isRefusal(port)) return port;
  writeConfigs(opened.units, layout, port);
  const names = opened.units.map((unit) => unit.bu);
  output.note(`starting a coordinator and ${names.length} agents on port ${port}`);
  await warmCodeCache();
  const baselines = startBaselines(opened, layout);
  const processes = startProcesses(names, layout);
  const interrupted = untilInterrupted();
  try {
    const job = mainJob({ data: opened, layout, output, baselines, startedMs });
    const ended = await Promise.race([job, processes.failed, interrupted]);
    if (typeof ended !== 'object' || isRefusal(ended)) return ended;
    output.data('Demo', resultData(ended), resultText(ended));
    return undefined;
  } finally {
    await stopAll(processes, baselines);
  }
}

/** An earlier start's folder is resumed if it was made for the same data; `--fresh` empties it. */
async function openFolder(
  options: DemoOptions,
  layout: DemoLayout,
  output: Output,
): Promise<DemoData | Refusal> {
  const wanted = options.data ?? 'synthetic';
  if (options.fresh) emptyFolder(layout);
  if (existsSync(layout.stamp)) {
    const held = JSON.parse(readFileSync(layout.stamp, 'utf8')) as DemoData;
    if (held.name !== wanted) {
      return refuse('demo-folder', { folder: layout.folder, holds: held.name, asked: wanted });
    }
    output.note(`resuming the federation in ${layout.folder} (--fresh starts over)`);
    return held;
  }
  if (existsSync(layout.folder)) emptyFolder(layout);
  mkdirSync(layout.folder, { recursive: true, mode: 0o700 });
  output.note(`preparing ${wanted} learners, keys, certificates and a signed manifest`);
  const data = prepareUnits(options.data, layout);
  if (isRefusal(data)) return data;
  await createFederation(data, layout, Date.now());
  // Written last: a folder with a stamp is complete.
  writeFileSync(layout.stamp, JSON.stringify(data));
  return data;
}

/** Removes what an earlier demonstration made, and nothing else that may lie there. */
function emptyFolder(layout: DemoLayout): void {
  for (const part of ['demo.json', 'plan.yaml', 'federation', 'coordinator', 'operator']) {
    rmSync(join(layout.folder, part), { recursive: true, force: true });
  }
  for (const part of ['agents', 'logs']) {
    rmSync(join(layout.folder, part), { recursive: true, force: true });
  }
}

async function mainJob(input: {
  data: DemoData;
  layout: DemoLayout;
  output: Output;
  baselines: BaselineThread;
  startedMs: number;
}): Promise<DemoResult | Refusal> {
  const { data, layout, output, baselines, startedMs } = input;
  const proposed = await propose(data, layout);
  if (isRefusal(proposed)) return proposed;
  const { runId } = proposed;
  const progress = new Progress(output, () => unitBudgets(data, layout));
  const followed = await follow({ runId, layout, progress });
  if (isRefusal(followed)) return followed;
  const run = await showRun(runId, layout);
  if (isRefusal(run)) return run;
  if (run.status !== 'completed') {
    return run.failure ?? refuse('run-failed', { run: runId, status: run.status });
  }
  const model = await fetchModel(layout.operatorContext, runId);
  if (isRefusal(model)) return model;
  const read = networkFromSafetensors(model.bytes);
  if (isRefusal(read)) return read;
  output.note('scoring the final model and the baselines');
  const computed = await baselines.ready;
  if (isRefusal(computed)) return computed;
  const global = await baselines.score(read.parameters);
  if (isRefusal(global)) return global;
  const budget = unitBudgets(data, layout);
  if (isRefusal(budget)) return budget;
  return {
    runId,
    rounds: data.plan.training.rounds,
    seconds: (Date.now() - startedMs) / 1000,
    survivorsMin: run.survivorsMin ?? 0,
    units: data.units.length,
    budget,
    evaluation: run.evaluations.at(-1),
    global,
    baselines: computed,
    coverage: run.coverage,
    modelVersion: `${runId}@${run.model.version}`,
    dataFolder: layout.folder,
    colluders: run.guarantee.colluders,
  };
}

/** Proposes the plan once the coordinator answers; its token makes a restart find the first run. */
async function propose(data: DemoData, layout: DemoLayout): Promise<RunSummary | Refusal> {
  const request = {
    plan: jsonBytes(data.plan),
    reason: 'demonstration',
    submitToken: 'demo',
  };
  let last: Refusal = refuse('coordinator-unreachable');
  for (let attempt = 0; attempt < 150; attempt++) {
    const answer = await withClient(layout.operatorContext, (client) =>
      client.unary<{ json: string }>('ProposeRun', request),
    );
    if (!isRefusal(answer)) return JSON.parse(answer.json) as RunSummary;
    last = answer;
    if (answer.refused !== 'coordinator-unreachable') return answer;
    await new Promise((done) => setTimeout(done, 200));
  }
  return last;
}

async function follow(input: {
  runId: string;
  layout: DemoLayout;
  progress: Progress;
}): Promise<Refusal | undefined> {
  const { runId, layout, progress } = input;
  const context = layout.operatorContext;
  const ended = await watchEvents({ context, runId }, (event: RunEvent) => progress.show(event));
  progress.done();
  return ended;
}

async function showRun(runId: string, layout: DemoLayout): Promise<RunSummary | Refusal> {
  const answer = await withClient(layout.operatorContext, (client) =>
    client.unary<{ json: string }>('ShowRun', { runId }),
  );
  return isRefusal(answer) ? answer : (JSON.parse(answer.json) as RunSummary);
}

/** Every unit's worst account, read from the agents' own ledgers. */
function unitBudgets(data: DemoData, layout: DemoLayout): UnitBudget[] | Refusal {
  const budgets: UnitBudget[] = [];
  for (const { bu } of data.units) {
    const accounts = accountsIn(layout.agent(bu));
    if (isRefusal(accounts)) return accounts;
    const worst = accounts.reduce((a, b) => (b.spent > a.spent ? b : a));
    budgets.push({ bu, epsilon: worst.spent, delta: worst.delta, limit: worst.limit });
  }
  return budgets;
}

interface BaselineThread {
  readonly ready: Promise<Baselines | Refusal>;
  score(parameters: Float32Array): Promise<HeadAucs | Refusal>;
  stop(): Promise<void>;
}

/** Baselines are trained in a thread beside the federation; nothing of it enters the federation. */
function startBaselines(data: DemoData, layout: DemoLayout): BaselineThread {
  const units = data.units.map(({ bu, source }) => ({
    bu,
    source: absolute(source, layout.agent(bu)),
  }));
  const workerData: BaselineSettings = { plan: data.plan, recipes: data.recipes, units };
  const worker = new Worker(new URL('./baselines-worker.ts', import.meta.url), { workerData });
  const first = Promise.withResolvers<Baselines | Refusal>();
  let second = Promise.withResolvers<HeadAucs | Refusal>();
  worker.on('message', (answer: BaselineAnswer) => {
    if (answer.kind === 'baselines') first.resolve(answer.baselines);
    else if (answer.kind === 'scored') second.resolve(answer.aucs);
    else first.resolve(answer.refusal);
  });
  worker.on('error', (error) => {
    const refusal = refuse('baselines-failed', { message: error.message });
    first.resolve(refusal);
    second.resolve(refusal);
  });
  return {
    ready: first.promise,
    score: (parameters) => {
      second = Promise.withResolvers();
      worker.postMessage(parameters);
      return second.promise;
    },
    stop: async () => void (await worker.terminate()),
  };
}

function absolute(source: SourceSpec, folder: string): SourceSpec {
  return source.kind === 'csv'
    ? { ...source, file: resolve(folder, source.file) }
    : { ...source, folder: resolve(folder, source.folder) };
}

/** Resolves with the exit code at the first Ctrl-C; a second one ends the process at once. */
function untilInterrupted(): Promise<number> {
  return new Promise((done) => {
    let asked = false;
    const ask = () => {
      if (asked) process.exit(exits.interrupted);
      asked = true;
      process.stderr.write('\nstopping every process (again to stop at once)\n');
      done(exits.interrupted);
    };
    process.on('SIGINT', ask);
    process.on('SIGTERM', ask);
  });
}

async function stopAll(processes: Processes, baselines: BaselineThread): Promise<void> {
  await Promise.all([processes.stop(), baselines.stop()]);
}
