import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { DemoLayout } from './layout.ts';

/** The processes of a demonstration: one coordinator, one agent per business unit. */
export interface Processes {
  /** Resolves with the refusal when one of them ends before it was asked to. */
  readonly failed: Promise<Refusal>;
  /** Ends all of them and resolves when they are gone. */
  stop(): Promise<void>;
}

const entry = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'tacit.mjs');

/** Time a process gets to end by itself before it is killed, milliseconds. */
const graceMs = 5_000;

/** Starts every process; each writes its own log file. */
export function startProcesses(units: readonly string[], layout: DemoLayout): Processes {
  mkdirSync(dirname(layout.log('x')), { recursive: true });
  const { promise: failed, resolve: fail } = Promise.withResolvers<Refusal>();
  let stopping = false;
  const start = (name: string, args: string[]) => {
    const child = daemon(args, layout.log(name));
    child.on('exit', (code) => {
      if (stopping) return;
      fail(refuse('process-ended', { process: name, exit: code ?? -1, log: layout.log(name) }));
    });
    return child;
  };
  const children = [start('coordinator', ['coordinator', '--config', layout.coordinatorConfig])];
  for (const bu of units) {
    children.push(start(bu, ['agent', '--config', join(layout.agent(bu), 'agent.yaml')]));
  }
  return {
    failed,
    stop: async () => {
      stopping = true;
      await Promise.all(children.map(end));
    },
  };
}

/** A port that is free now on loopback; the one asked for unless it is 0. */
export async function freePort(wanted: number): Promise<number | Refusal> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on('error', () => resolve(refuse('port-in-use', { port: wanted })));
    probe.listen(wanted, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

function daemon(args: string[], logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: ['pipe', log, log],
    // A daemon ends when this process does, however it ends; Ctrl-C reaches it only through us.
    env: { ...process.env, TACIT_PARENT_PIPE: '1' },
    detached: true,
  });
  closeSync(log);
  return child;
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    child.on('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
