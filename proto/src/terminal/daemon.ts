import type { Socket } from 'node:net';
import pino, { type Logger } from 'pino';
import { exits } from '../problem.ts';

/**
 * The log of a daemon: JSON lines on stderr, so that stdout stays free for data. Level from
 * `TACIT_LOG` (default info).
 */
export function createLog(name: string): Logger {
  const level = process.env.TACIT_LOG ?? 'info';
  return pino({ name, level, base: { name } }, pino.destination({ fd: 2, sync: true }));
}

/** Resolves with the exit code when the process is asked to end; a second signal ends at once. */
export function untilSignalled(): Promise<number> {
  return new Promise((resolve) => {
    let asked = false;
    const ask = (code: number) => () => {
      if (asked) process.exit(exits.interrupted);
      asked = true;
      resolve(code);
    };
    process.on('SIGTERM', ask(exits.done));
    process.on('SIGINT', ask(exits.interrupted));
    // A parent that started this daemon over a pipe may die without a word: end with it.
    if (process.env.TACIT_PARENT_PIPE) {
      process.stdin.on('end', ask(exits.done)).resume();
      // Listening for the parent's end must not by itself keep this process alive.
      (process.stdin as unknown as Socket).unref();
    }
  });
}
