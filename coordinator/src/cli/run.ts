import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { authoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import { loadChecked } from '@tacit/proto/schema/check.ts';
import { jsonBytes } from '@tacit/proto/store/json.ts';
import { type Output, table } from '@tacit/proto/terminal/output.ts';
import type { RunEvent } from '../core/effect.ts';
import type { Evaluation } from '../core/evaluation.ts';
import { withClient } from './client.ts';

interface Json {
  readonly json: string;
}

/** What `run list` and `run show` print of a run; see `runView`. */
export interface RunSummary {
  readonly runId: string;
  readonly name: string;
  readonly status: string;
  readonly round: number;
  readonly rounds: number;
  readonly model: { readonly version: number; readonly hash: string };
  readonly survivorsMin: number | null;
  readonly coverage: Readonly<Record<string, number>>;
  readonly guarantee: { readonly epsilon: number; readonly colluders: number };
  readonly evaluations: readonly Evaluation[];
  readonly failure?: Refusal;
}

/** `tacit run propose`: sends an authored plan; the same token gives the same run. */
export async function proposeRun(
  options: { context: string; file: string; reason: string; submitToken: string },
  output: Output,
): Promise<Refusal | undefined> {
  const plan = loadChecked(options.file, authoredPlan);
  if (isRefusal(plan)) return plan;
  const { reason, submitToken } = options;
  const request = { plan: jsonBytes(plan), reason, submitToken };
  const run = await withClient(options.context, (client) =>
    client.unary<Json>('ProposeRun', request),
  );
  return isRefusal(run) ? run : print(output, parse(run));
}

/** `tacit run list`. */
export async function listRuns(context: string, output: Output): Promise<Refusal | undefined> {
  const list = await withClient(context, (client) =>
    client.unary<{ items: Json[] }>('ListRuns', {}),
  );
  if (isRefusal(list)) return list;
  const items = (list.items ?? []).map(parse);
  const rows = items.map((run) => [
    run.runId,
    run.name,
    run.status,
    `${run.round}/${run.rounds}`,
    `@${run.model.version}`,
  ]);
  const text = table([['run', 'plan', 'state', 'rounds', 'model'], ...rows]);
  output.data('RunList', { items }, text);
  return undefined;
}

/** `tacit run show`. */
export async function showRun(
  options: { context: string; runId: string },
  output: Output,
): Promise<Refusal | undefined> {
  const run = await withClient(options.context, (client) =>
    client.unary<Json>('ShowRun', { runId: options.runId }),
  );
  return isRefusal(run) ? run : print(output, parse(run));
}

/** `tacit run watch`: one line per change of state until the run ends. */
export async function watchRun(
  options: { context: string; runId: string },
  output: Output,
): Promise<Refusal | undefined> {
  return watchEvents(options, (event) => output.item('RunEvent', event, describe(event)));
}

/** Follows a run's events from the first on; resolves when the run has ended. */
export async function watchEvents(
  options: { context: string; runId: string },
  each: (event: RunEvent) => void,
): Promise<Refusal | undefined> {
  const { context, runId } = options;
  const call = { method: 'WatchRun', request: { runId } };
  return withClient(context, (client) =>
    client.stream<Json>(call, ({ json }) => each(JSON.parse(json) as RunEvent)),
  );
}

/** One event as a line for a person. */
export function describe(event: RunEvent): string {
  switch (event.type) {
    case 'state':
      return event.failure ? `${event.status}: ${event.failure.refused}` : event.status;
    case 'round': {
      const { record, of, participants } = event;
      const survivors = `${record.survivors.length} of ${participants} survivors`;
      return `round ${record.round + 1}/${of} ${record.purpose}: ${survivors}`;
    }
    case 'evaluation': {
      const heads = Object.entries(event.evaluation.heads).map(([name, head]) => {
        const { auc } = head;
        if (!auc) return `${name} cannot conclude`;
        return `${name} ${auc.value.toFixed(3)} +- ${(1.96 * auc.stdDev).toFixed(3)}`;
      });
      return `evaluation after ${event.evaluation.trained} rounds, AUC: ${heads.join(', ')}`;
    }
    case 'slot-failed': {
      const charges = event.chargesReturned ? 'charges returned' : 'charges stand';
      return `round ${event.round + 1} attempt ${event.attempt + 1}: ${event.code}, ${charges}`;
    }
    case 'waiting':
      return `waiting: ${event.code} ${JSON.stringify(event.facts)}`;
    default:
      event satisfies never;
      return '';
  }
}

function parse(value: Json): RunSummary {
  return JSON.parse(value.json) as RunSummary;
}

function print(output: Output, run: RunSummary): undefined {
  const coverage = Object.values(run.coverage);
  const lines = [
    `${run.runId}  ${run.name}  ${run.status}`,
    `  rounds    ${run.round} of ${run.rounds}`,
    `  model     ${run.runId}@${run.model.version} ${run.model.hash.slice(0, 16)}`,
    `  survivors ${run.survivorsMin ?? '-'} at least`,
    `  coverage  ${coverage.length ? Math.min(...coverage).toFixed(2) : '-'} at least`,
  ];
  output.data('Run', run, lines.join('\n'));
}
