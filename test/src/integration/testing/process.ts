import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Time one step of a test may take on a slow machine, milliseconds. */
export const patienceMs = 60_000;

/** How an ended process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of a test with everything it printed. */
export class TestProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #log: string;

  /** `command` starts the process; both of its streams are appended to `log`. */
  constructor(options: {
    command: readonly string[];
    log: string;
    env?: Readonly<Record<string, string>>;
  }) {
    const [program, ...args] = options.command;
    mkdirSync(dirname(options.log), { recursive: true });
    const log = openSync(options.log, 'a');
    this.#log = options.log;
    this.child = spawn(program, args, {
      stdio: ['pipe', log, log],
      env: { ...process.env, ...codeCache, TACIT_PARENT_PIPE: '1', ...options.env },
    });
    closeSync(log);
    this.ended = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => resolve({ code, signal }));
    });
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Ends it without a chance to say goodbye. */
  async kill(): Promise<void> {
    if (this.running) this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Asks it to end. */
  async stop(): Promise<Ended> {
    if (this.running) this.child.kill('SIGTERM');
    return this.ended;
  }

  /** Everything printed so far, by earlier processes with the same log too. */
  printed(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8') : '';
  }
}

/** Every process shares the compiled code of the first. */
const codeCache = { NODE_COMPILE_CACHE: join(tmpdir(), 'tacit-test-code') };

const tacit = join(import.meta.dirname, '..', '..', '..', '..', 'cli', 'bin', 'tacit.mjs');
const testAgent = fileURLToPath(new URL('./agent-process.ts', import.meta.url));

/** The command line of `tacit`. */
export function tacitCommand(...args: string[]): string[] {
  return [process.execPath, tacit, ...args];
}

/** The command line of an agent as the product starts it. */
export function productAgentCommand(config: string): string[] {
  return tacitCommand('agent', '--config', config);
}

/** The command line of an agent whose trainer and link are a test's. */
export function testAgentCommand(config: string): string[] {
  return [process.execPath, testAgent, config];
}

/** Waits until `probe` gives a value; fails with `what` when patience ends. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const end = Date.now() + patienceMs;
  while (Date.now() < end) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`waited ${patienceMs} ms for: ${what}`);
}

/** The same command where no file can grow beyond so many KiB: what a full disk looks like. */
export function limitedCommand(fileKibMax: number, command: readonly string[]): string[] {
  return ['bash', '-c', `ulimit -f ${fileKibMax}; exec "$@"`, 'bash', ...command];
}
