import { hex, utf8 } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal, refuse } from '@tacit/privacy/refusal.ts';
import { authoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import { planBytes } from '@tacit/proto/plan/compiled-plan.ts';
import { contractNamed } from '@tacit/proto/plan/contract-named.ts';
import { mechanismsOf } from '@tacit/proto/plan/mechanisms.ts';
import { parseChecked } from '@tacit/proto/schema/check.ts';
import type { SignedManifest } from '@tacit/proto/schema/manifest.ts';
import { fromJsonBytes, jsonBytes } from '@tacit/proto/store/json.ts';
import type { Tables } from '@tacit/proto/store/tables.ts';
import { compilePlan } from '../core/compile-plan.ts';
import type { Coordinator } from '../core/coordinator.ts';
import type { RunEvent } from '../core/effect.ts';
import { runView } from '../core/run-view.ts';
import { blobOf, type Driver } from './driver.ts';
import { versionsOf } from './federation-handlers.ts';
import type { OperationsHandlers } from './port.ts';

/** What people may ask the coordinator for. */
export function operationsHandlers(options: {
  manifest: SignedManifest;
  driver: Driver;
  core: Coordinator;
  tables: Tables;
  now: () => number;
}): OperationsHandlers {
  const { manifest, driver, core, tables, now } = options;
  const runNamed = (runId: string) => core.runs().find((run) => run.runId === runId);
  const propose = (request: Proposal) => {
    const known = runByToken(tables, request.submitToken);
    const again = known && runNamed(known);
    if (again) return runView(again);
    const runId = `R-${core.runs().length + 1}`;
    const compiled = compileProposal(request, { manifest, runId });
    if (isRefusal(compiled)) return compiled;
    const { plan, bytes, planHash, mechanisms } = compiled;
    tables.write(proposalWrites(request, { runId, atMs: now() }));
    driver.perform(core.propose({ plan, planBytes: bytes, planHash, mechanisms, atMs: now() }));
    const run = runNamed(runId);
    return run ? runView(run) : refuse('internal', { runId });
  };
  return {
    federationId: manifest.file.federationId,
    propose,
    runs: () => core.runs().map(runView),
    run: (runId) => {
      const run = runNamed(runId);
      return run ? runView(run) : refuse('run-unknown', { runId });
    },
    watch: (runId, listener) => {
      const run = runNamed(runId);
      if (!run) return refuse('run-unknown', { runId });
      const isLast = (event: RunEvent) => event.type === 'state' && event.status !== 'running';
      for (const [, value] of tables.entries('run_event', `${runId}/`)) {
        const event = fromJsonBytes<RunEvent>(value);
        listener(event, isLast(event));
      }
      if (run.status !== 'running') return () => undefined;
      return driver.watch(runId, (event) => listener(event, isLast(event)));
    },
    models: (runId) => versionsOf(tables, runId),
    blob: (_caller, hash) => blobOf(tables, hash),
  };
}

interface Proposal {
  readonly plan: Uint8Array;
  readonly reason: string;
  readonly submitToken: string;
}

function compileProposal(request: Proposal, context: { manifest: SignedManifest; runId: string }) {
  const text = new TextDecoder().decode(request.plan);
  const authored = parseChecked({ text, file: 'plan', schema: authoredPlan });
  if (isRefusal(authored)) return authored;
  const contract = contractNamed(authored.contract);
  if (isRefusal(contract)) return contract;
  const plan = compilePlan({ authored, contract, ...context });
  if (isRefusal(plan)) return plan;
  const mechanisms = mechanismsOf(plan);
  if (isRefusal(mechanisms)) return mechanisms;
  const bytes = planBytes(plan);
  return { plan, bytes, planHash: hex(sha256(bytes)), mechanisms };
}

function proposalWrites(request: Proposal, made: { runId: string; atMs: number }) {
  const { reason, submitToken } = request;
  const record = jsonBytes({ ...made, reason, submitToken });
  const writes = [{ table: 'proposal', key: made.runId, value: record }];
  if (!submitToken) return writes;
  return [...writes, { table: 'proposal', key: tokenKey(submitToken), value: utf8(made.runId) }];
}

function runByToken(tables: Tables, token: string): string | undefined {
  const value = token ? tables.get('proposal', tokenKey(token)) : undefined;
  return value && new TextDecoder().decode(value);
}

function tokenKey(token: string): string {
  return `token/${hex(utf8(token))}`;
}
