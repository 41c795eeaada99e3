import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { replay } from '@tacit/privacy/budget/chain.ts';
import type { Charter } from '@tacit/privacy/budget/charter.ts';
import type { LedgerLine } from '@tacit/privacy/budget/entry.ts';
import type { BuPolicy } from '@tacit/privacy/budget/policy.ts';
import { identityFromPrivateKey } from '@tacit/privacy/crypto/identity.ts';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { AgentMachine } from '@tacit/privacy/secagg/agent/machine.ts';
import { systemPorts } from '@tacit/privacy/secagg/system-ports.ts';
import { loadChecked } from '@tacit/proto/schema/check.ts';
import {
  type AgentConfig,
  agentConfig,
  charterFile,
  policyFile,
} from '@tacit/proto/schema/config.ts';
import type { SignedManifest } from '@tacit/proto/schema/manifest.ts';
import { loadManifest } from '@tacit/proto/schema/open-manifest.ts';
import { fromJsonBytes } from '@tacit/proto/store/json.ts';
import { openTables, type Tables } from '@tacit/proto/store/tables.ts';
import { createCodec } from '@tacit/proto/wire/codec.ts';
import type { Logger } from 'pino';
import { Agent } from './core/agent.ts';
import { agentTables } from './core/effect.ts';
import { ledgerKey, ledgerLines } from './core/ledger-book.ts';
import { heldModels } from './core/model-store.ts';
import { storedReceipts } from './core/receipt.ts';
import type { SourceSpec } from './data/source.ts';
import { Driver } from './driver/driver.ts';
import { createTrainer } from './driver/trainer.ts';
import { openLink } from './grpc/link.ts';

/** A running agent. `ended` resolves with the reason when it stopped by itself. */
export interface RunningAgent {
  readonly ended: Promise<Refusal>;
  stop(): Promise<void>;
}

/** Ports: how an agent reaches its learners and its coordinator. Tests give others. */
export interface DaemonPorts {
  readonly createTrainer: typeof createTrainer;
  readonly openLink: typeof openLink;
}

/** Starts an agent from its configuration file; resumes whatever its store holds. */
export async function startDaemon(
  configFile: string,
  options: { log: Logger; now: () => number } & Partial<DaemonPorts>,
): Promise<RunningAgent | Refusal> {
  const ports: DaemonPorts = { createTrainer, openLink, ...options };
  const config = loadChecked(configFile, agentConfig);
  if (isRefusal(config)) return config;
  const folder = dirname(resolve(configFile));
  const manifest = loadManifest(config.manifest, folder);
  if (isRefusal(manifest)) return manifest;
  const { agentId } = config;
  const member = manifest.manifest.agents.findIndex((agent) => agent.agentId === agentId);
  if (member < 0) return refuse('manifest-not-listed', { agentId });
  const tables = openTables({ file: resolve(folder, config.store), tables: agentTables });
  const agent = buildAgent({ config, folder, manifest, tables, member });
  if (isRefusal(agent)) {
    tables.close();
    return agent;
  }
  const { log, now } = options;
  const trainer = ports.createTrainer({
    source: sourceIn(config, folder),
    backend: config.backend,
    picked: (backend) => log.info({ backend }, 'tensor backend'),
    rowsDropped: ({ rows, first }) => {
      const named = first.map(({ refused, facts }) => ({ code: refused, ...facts }));
      log.warn({ code: 'rows-dropped', rows, first: named }, 'rows of the data were left out');
    },
  });
  const { promise: ended, resolve: end } = Promise.withResolvers<Refusal>();
  const driver = new Driver({ agent, tables, trainer, log, now, failed: end });
  const link = openSession({ config, folder, driver, log, openLink: ports.openLink });
  driver.start(link);
  return {
    ended,
    stop: async () => {
      driver.stop();
      link.close();
      await trainer.close();
      tables.close();
    },
  };
}

function openSession(input: {
  config: AgentConfig;
  folder: string;
  driver: Driver;
  log: Logger;
  openLink: DaemonPorts['openLink'];
}) {
  const { config, folder, driver, log } = input;
  const read = (name: string) => readFileSync(resolve(folder, name), 'utf8');
  return input.openLink({
    target: config.coordinator,
    authorityPem: read(config.identity.authority),
    certificatePem: read(config.identity.certificate),
    privateKeyPem: read(config.identity.key),
    reconnectMs: config.reconnectMs,
    onEnvelope: (envelope) => driver.received(envelope),
    onUp: () => {
      log.info({ coordinator: config.coordinator }, 'connected');
      driver.dispatch({ kind: 'connected' });
    },
    onDown: (status, detail, retryInMs) => {
      const facts = { code: 'coordinator-unreachable', status, detail, retryInMs };
      log.warn(facts, 'coordinator unreachable: policy, ledger and receipts still work');
      driver.dispatch({ kind: 'disconnected' });
    },
  });
}

function buildAgent(input: {
  config: AgentConfig;
  folder: string;
  manifest: SignedManifest;
  tables: Tables;
  member: number;
}): Agent | Refusal {
  const { config, folder, manifest, tables, member } = input;
  const { agentId } = config;
  const identity = identityFromPrivateKey(
    readFileSync(resolve(folder, config.identity.key), 'utf8'),
  );
  const ledger = replay(ledgerLines(tables.entries('ledger')));
  if (isRefusal(ledger)) return ledger;
  const policy = loadPolicy(resolve(folder, config.policy));
  if (isRefusal(policy)) return policy;
  const charter = loadCharter(resolve(folder, config.charter));
  if (isRefusal(charter)) return charter;
  const machine = new AgentMachine({
    ports: systemPorts(createCodec()),
    identity,
    manifest: manifest.manifest,
    manifestHash: manifest.hash,
    member,
    config: {
      revealWaitMs: config.slotLifeMs,
      attemptsMax: 3,
      auditRetention: 2,
      delegationSeconds: 30 * 86_400,
    },
  });
  machine.restore(tables.entries('protocol'));
  return new Agent({
    machine,
    agentId,
    manifest,
    policy,
    charter,
    ledger,
    plans: new Map(tables.entries('plan')),
    models: heldModels(tables.entries('model')),
    ledgerHashAt: (count) => lineAt(tables, count)?.hash,
    ledgerBehind: storedRefusal(tables, 'ledger-behind'),
    openReceipts: storedReceipts(tables.entries('receipt')).filter(
      (receipt) => receipt.acceptance === undefined,
    ),
  });
}

/** The unit's policy, or undefined when there is no file: then no run is admitted. */
function loadPolicy(file: string): BuPolicy | undefined | Refusal {
  if (!existsSync(file)) return undefined;
  const policy = loadChecked(file, policyFile);
  if (isRefusal(policy)) return policy;
  const { accounts, ...rest } = policy;
  return { ...rest, ceilings: accounts };
}

function loadCharter(file: string): Charter | undefined | Refusal {
  return existsSync(file) ? loadChecked(file, charterFile) : undefined;
}

function sourceIn(config: AgentConfig, folder: string): SourceSpec {
  const { data } = config;
  return data.kind === 'csv'
    ? { ...data, file: resolve(folder, data.file) }
    : { ...data, folder: resolve(folder, data.folder) };
}

function lineAt(tables: Tables, count: number): LedgerLine | undefined {
  const value = tables.get('ledger', ledgerKey(count));
  return value && fromJsonBytes<LedgerLine>(value);
}

function storedRefusal(tables: Tables, key: string): Refusal | undefined {
  const value = tables.get('meta', key);
  return value && fromJsonBytes<Refusal>(value);
}
