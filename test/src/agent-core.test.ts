import { Agent } from '@tacit/client-agent/core/agent.ts';
import type { CoreEffect } from '@tacit/client-agent/core/effect.ts';
import { compilePlan } from '@tacit/coordinator/core/compile-plan.ts';
import { syntheticContract } from '@tacit/models/outcome/contracts/synthetic.ts';
import { emptyLedger } from '@tacit/privacy/budget/state.ts';
import { fromHex, hex } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import type { AgentEffect, AgentEvent } from '@tacit/privacy/secagg/agent/event.ts';
import { type CompiledPlan, planBytes } from '@tacit/proto/plan/compiled-plan.ts';
import { mechanismFieldsOf, mechanismsOf, vecFieldsOf } from '@tacit/proto/plan/mechanisms.ts';
import { authored } from '@tacit/proto/testing/authored.ts';
import { agentIdOf, signedManifest } from '@tacit/proto/testing/signed-manifest.ts';
import { expect, test } from 'vitest';
import { unitFiles } from './testing/unit-files.ts';

const manifest = signedManifest(8);
const contract = syntheticContract;
const startMs = 1_800_000_000_000;

test('a whole run is set aside before anything is trained, and fetched by hash', () => {
  const { agent, ask } = subject();
  const fetch = ask(planOf('R-1'));
  expect(fetch).toContainEqual({ kind: 'fetch-plan', planHash: hashOf(planOf('R-1')) });
  const effects = deliver(agent, planOf('R-1'));
  expect(effects.map((effect) => effect.kind)).toEqual(['commit', 'fetch-model']);
  expect(ledgerKinds(effects)).toEqual(['reserve', 'reserve']);
});

test('a second plan under the name of the first is refused, not charged to its reservation', () => {
  const { agent, machine, ask } = subject();
  ask(planOf('R-1'));
  deliver(agent, planOf('R-1'));
  const other = planOf('R-1', 0.1);
  ask(other);
  deliver(agent, other);
  expect(machine.refused).toEqual(['reservation-exists']);
});

test('what a run left over is freed when the coordinator says it is over (D-33)', () => {
  const { agent, ask } = subject();
  ask(planOf('R-1'));
  deliver(agent, planOf('R-1'));
  expect(agent.handle({ kind: 'connected', atMs: startMs })).toContainEqual({
    kind: 'ask-run',
    runId: 'R-1',
  });
  expect(ledgerKinds(agent.handle({ kind: 'run-over', runId: 'R-1', atMs: startMs }))).toEqual([
    'close',
    'close',
  ]);
  expect(agent.handle({ kind: 'connected', atMs: startMs })).toEqual([]);
});

test('after its run is over a round is refused before training', () => {
  const { agent, machine, ask } = subject();
  ask(planOf('R-1'));
  deliver(agent, planOf('R-1'));
  agent.handle({ kind: 'run-over', runId: 'R-1', atMs: startMs });
  ask(planOf('R-1'));
  expect(machine.refused).toEqual(['charge-unreserved']);
});

test('a ledger behind the head the coordinator holds grants nothing, nor after a restart', () => {
  const first = subject();
  first.machine.next = [{ kind: 'ledger-head', head: { count: 9, hash: new Uint8Array(32) } }];
  const effects = first.agent.handle({ kind: 'connected', atMs: startMs });
  const stored = writes(effects).find(({ key }) => key === 'ledger-behind');
  expect(stored).toBeDefined();
  const behind = JSON.parse(new TextDecoder().decode(stored?.value ?? undefined)) as Refusal;
  const { agent, machine, ask } = subject(behind);
  ask(planOf('R-1'));
  deliver(agent, planOf('R-1'));
  expect(machine.refused).toEqual(['ledger-mismatch']);
});

/** The protocol's machine, replaced: it asks what the test wants asked and notes the answers. */
class FakeMachine {
  next: AgentEffect[] = [];
  readonly refused: string[] = [];

  handle(event: AgentEvent): AgentEffect[] {
    if (event.kind === 'refused') this.refused.push(event.refusal.refused);
    return this.next.splice(0);
  }

  deadline(): undefined {
    return undefined;
  }
}

function subject(ledgerBehind?: Refusal) {
  const machine = new FakeMachine();
  const agent = new Agent({
    machine,
    agentId: agentIdOf(2),
    manifest,
    ...unitFiles('unit-2'),
    ledger: emptyLedger,
    ledgerHashAt: () => undefined,
    ledgerBehind,
    plans: new Map(),
    models: new Map(),
    openReceipts: [],
  });
  agent.start(startMs);
  const ask = (plan: CompiledPlan) => {
    machine.next = [admitOf(plan)];
    return agent.handle({ kind: 'timeout', atMs: startMs });
  };
  return { agent, machine, ask };
}

function deliver(agent: Agent, plan: CompiledPlan): CoreEffect[] {
  const bytes = planBytes(plan);
  return agent.handle({ kind: 'plan', planHash: hashOf(plan), bytes, atMs: startMs });
}

function admitOf(plan: CompiledPlan): AgentEffect {
  const mechanisms = mechanismsOf(plan);
  if (isRefusal(mechanisms)) throw new Error(mechanisms.refused);
  return {
    kind: 'admit',
    slot: 0,
    epochNumber: 1,
    transcript: new Uint8Array(32),
    open: {
      epoch: new Uint8Array(32),
      slot: 0,
      runId: plan.runId,
      round: 0,
      attempt: 0,
      modelHash: fromHex(plan.initialModelHash),
      planHash: sha256(planBytes(plan)),
      mechanism: mechanismFieldsOf(mechanisms.training),
      vec: vecFieldsOf('training', mechanisms.training),
      participants: new Uint8Array([255]),
      bundleHashes: [],
      uploadsClosed: false,
    },
  };
}

function planOf(runId: string, rate = 0.2): CompiledPlan {
  const plan = authored((p) => Object.assign(p.training as object, { rate }));
  const made = compilePlan({ authored: plan, contract, manifest, runId });
  if (isRefusal(made)) throw new Error(made.refused);
  return made;
}

function hashOf(plan: CompiledPlan): string {
  return hex(sha256(planBytes(plan)));
}

function writes(effects: readonly CoreEffect[]) {
  return effects.flatMap((effect) => (effect.kind === 'commit' ? effect.writes : []));
}

function ledgerKinds(effects: readonly CoreEffect[]): string[] {
  return writes(effects)
    .filter(({ table }) => table === 'ledger')
    .map(({ value }) => JSON.parse(new TextDecoder().decode(value ?? undefined)).entry.kind);
}
