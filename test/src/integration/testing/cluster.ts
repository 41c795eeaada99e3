import { join } from 'node:path';
import { withClient } from '@tacit/coordinator/cli/client.ts';
import { type RunSummary, watchEvents } from '@tacit/coordinator/cli/run.ts';
import type { RunEvent } from '@tacit/coordinator/core/effect.ts';
import { utf8 } from '@tacit/privacy/crypto/bytes.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import type { AuthoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import { agentConfigOf, type TestFederation } from './federation.ts';
import {
  productAgentCommand,
  TestProcess,
  tacitCommand,
  testAgentCommand,
  until,
} from './process.ts';

/** How an agent is started from its configuration file. */
type AgentCommand = (config: string) => string[];

/** The processes of one federation and what an operator can ask it. */
export class Cluster {
  readonly federation: TestFederation;
  coordinator: TestProcess;
  readonly agents = new Map<string, TestProcess>();
  readonly #command: AgentCommand;
  readonly #env: Readonly<Record<string, string>>;

  /** Starts the coordinator; agents are started one by one, a test's own or the product's. */
  constructor(
    federation: TestFederation,
    options: { agents: 'test' | 'product'; env?: Readonly<Record<string, string>> },
  ) {
    this.federation = federation;
    this.#command = options.agents === 'test' ? testAgentCommand : productAgentCommand;
    this.#env = options.env ?? {};
    this.coordinator = this.startCoordinator();
  }

  startCoordinator(): TestProcess {
    const { layout } = this.federation;
    this.coordinator = new TestProcess({
      command: tacitCommand('coordinator', '--config', layout.coordinatorConfig),
      log: layout.log('coordinator'),
      env: this.#env,
    });
    return this.coordinator;
  }

  startAgent(bu: string, command: AgentCommand = this.#command): TestProcess {
    const { layout } = this.federation;
    const agent = new TestProcess({
      command: command(agentConfigOf(layout, bu)),
      log: layout.log(bu),
      env: this.#env,
    });
    this.agents.set(bu, agent);
    return agent;
  }

  /** Starts an agent and waits until its session stands. */
  async connectAgent(bu: string, command?: AgentCommand): Promise<TestProcess> {
    const before = this.#connections(bu);
    const agent = this.startAgent(bu, command);
    await until(`${bu} connects`, () => this.#connections(bu) > before);
    return agent;
  }

  async connectAll(bus: readonly string[] = this.federation.units): Promise<void> {
    await Promise.all(bus.map((bu) => this.connectAgent(bu)));
  }

  folder(bu: string): string {
    return this.federation.layout.agent(bu);
  }

  /** Proposes a plan as soon as the coordinator answers; gives the run's name. */
  async propose(plan: AuthoredPlan): Promise<string> {
    const context = this.federation.layout.operatorContext;
    const request = { plan: utf8(JSON.stringify(plan)), reason: 'test', submitToken: plan.name };
    const run = await until(`run ${plan.name} is proposed`, async () => {
      const answer = await withClient(context, (client) =>
        client.unary<{ json: string }>('ProposeRun', request),
      );
      if (!isRefusal(answer)) return JSON.parse(answer.json) as RunSummary;
      if (answer.refused !== 'coordinator-unreachable') throw new Error(JSON.stringify(answer));
      return undefined;
    });
    return run.runId;
  }

  async show(runId: string): Promise<RunSummary | undefined> {
    const context = this.federation.layout.operatorContext;
    const answer = await withClient(context, (client) =>
      client.unary<{ json: string }>('ShowRun', { runId }),
    );
    return isRefusal(answer) ? undefined : (JSON.parse(answer.json) as RunSummary);
  }

  /** Waits for the end of a run and gives its state. */
  async finished(runId: string): Promise<RunSummary> {
    return until(`${runId} ends`, async () => {
      const run = await this.show(runId);
      return run && run.status !== 'running' && run;
    });
  }

  /** Waits for the end of a run that must complete. */
  async completed(runId: string): Promise<RunSummary> {
    const run = await this.finished(runId);
    if (run.status !== 'completed') throw new Error(`${runId}: ${JSON.stringify(run.failure)}`);
    return run;
  }

  /** Every event of a run that has ended. */
  async events(runId: string): Promise<RunEvent[]> {
    const events: RunEvent[] = [];
    const context = this.federation.layout.operatorContext;
    const refused = await watchEvents({ context, runId }, (event) => events.push(event));
    if (refused) throw new Error(refused.refused);
    return events;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.agents.values()].map((agent) => agent.kill()));
    await this.coordinator.kill();
    this.federation.remove();
  }

  #connections(bu: string): number {
    const running = this.agents.get(bu);
    return running ? running.printed().split('"msg":"connected"').length : 1;
  }
}

/** Where an agent's store lies. */
export function storeOf(cluster: Cluster, bu: string): string {
  return join(cluster.folder(bu), 'agent.db');
}
