import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ed25519 } from '@tacit/privacy/crypto/ed25519.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { CoordinatorMachine } from '@tacit/privacy/secagg/coordinator/machine.ts';
import { systemPorts } from '@tacit/privacy/secagg/system-ports.ts';
import { loadChecked } from '@tacit/proto/schema/check.ts';
import { type CoordinatorConfig, coordinatorConfig } from '@tacit/proto/schema/config.ts';
import type { SignedManifest } from '@tacit/proto/schema/manifest.ts';
import { loadManifest } from '@tacit/proto/schema/open-manifest.ts';
import { fromJsonBytes } from '@tacit/proto/store/json.ts';
import { openTables, type Tables } from '@tacit/proto/store/tables.ts';
import { createCodec } from '@tacit/proto/wire/codec.ts';
import type { Logger } from 'pino';
import { Coordinator } from './core/coordinator.ts';
import { coordinatorTables } from './core/effect.ts';
import { decodeRun } from './core/run-record.ts';
import { Driver } from './driver/driver.ts';
import { federationHandlers } from './driver/federation-handlers.ts';
import { ed25519SeedOf } from './driver/key-file.ts';
import { operationsHandlers } from './driver/operations-handlers.ts';
import { listen } from './grpc/server.ts';

/** A running coordinator. */
export interface RunningCoordinator {
  readonly port: number;
  stop(): void;
}

/** Starts a coordinator from its configuration file; resumes whatever its store holds. */
export async function startDaemon(
  configFile: string,
  options: { log: Logger; now: () => number },
): Promise<RunningCoordinator | Refusal> {
  const config = loadChecked(configFile, coordinatorConfig);
  if (isRefusal(config)) return config;
  const folder = dirname(resolve(configFile));
  const manifest = loadManifest(config.manifest, folder);
  if (isRefusal(manifest)) return manifest;
  const file = resolve(folder, config.store);
  const tables = openTables({ file, tables: coordinatorTables });
  const core = buildCore({ config, folder, manifest, tables });
  const driver = new Driver({ core, tables, ...options });
  const read = (name: string) => readFileSync(resolve(folder, name), 'utf8');
  const server = await listen({
    ...config.listen,
    tls: {
      keyPem: read(config.tls.key),
      certificatePem: read(config.tls.certificate),
      authorityPem: read(config.tls.authority),
    },
    federation: federationHandlers({ manifest, driver, tables, log: options.log }),
    operations: operationsHandlers({ manifest, driver, core, tables, now: options.now }),
  });
  driver.dispatch({ kind: 'timeout' });
  options.log.info({ port: server.port, agents: manifest.file.agents.length }, 'listening');
  return {
    port: server.port,
    stop: () => {
      driver.stop();
      server.close();
      tables.close();
    },
  };
}

function buildCore(input: {
  config: CoordinatorConfig;
  folder: string;
  manifest: SignedManifest;
  tables: Tables;
}): Coordinator {
  const { config, folder, manifest, tables } = input;
  const seed = ed25519SeedOf(resolve(folder, config.signingKey));
  const machine = new CoordinatorMachine({
    ports: systemPorts(createCodec()),
    manifest: manifest.manifest,
    manifestHash: manifest.hash,
    signSeed: seed,
    config: {
      setupMs: config.deadlinesMs.setup,
      uploadMs: config.deadlinesMs.upload,
      ackMs: config.deadlinesMs.survivors,
      revealMs: config.deadlinesMs.reveal,
      inlineSumBytesMax: 1024 * 1024,
    },
  });
  machine.restore(tables.entries('protocol'));
  return new Coordinator({
    machine,
    units: manifest.file.agents.map((agent) => agent.bu),
    sign: (statement) => ed25519.sign(seed.reveal(), statement),
    runs: storedRuns(tables),
    eventCount: tables.entries('run_event').length,
  });
}

function storedRuns(tables: Tables) {
  const must = (table: string, key: string): Uint8Array => {
    const value = tables.get(table, key);
    if (!value) throw new Error(`the store lacks ${table} ${key}`);
    return value;
  };
  const proposedAt = (runId: string) => Number(runId.replace('R-', ''));
  const stored = tables.entries('run').sort(([a], [b]) => proposedAt(a) - proposedAt(b));
  return stored.map(([runId, state]) => {
    const { planHash } = fromJsonBytes<{ planHash: string }>(state);
    return decodeRun({
      state,
      planBytes: must('blob', planHash),
      parameters: must('run_numbers', `${runId}/parameters`),
      optimizer: must('run_numbers', `${runId}/optimizer`),
    });
  });
}
