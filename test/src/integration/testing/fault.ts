import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where in a round an agent can be made to misbehave. */
export type FaultPhase =
  /** Die when the sum is computed and nothing is charged. */
  | 'before-charge'
  /** Die when the charge is durable and no byte has left. */
  | 'before-upload'
  /** Die when header and half of the vector have left. */
  | 'mid-upload'
  /** Die when the coordinator has accepted and the agent does not know it yet. */
  | 'after-upload'
  /** Die with the vote durable and not sent. */
  | 'before-ack'
  /** Die with the reveal durable and not sent. */
  | 'before-reveal'
  /** Send the upload wrong in every way before sending it right, twice; see `abuse`. */
  | 'abuse'
  /** Send a learner's id inside a message: the positive control of the leak scanner. */
  | 'leak';

/** Asks the agent of this folder for one fault, in the next round that comes to it. */
export function armFault(folder: string, phase: FaultPhase): void {
  writeFileSync(fileIn(folder), phase);
}

/** Whether the fault was armed; it is disarmed by the question, so it strikes once. */
export function takeFault(folder: string, phase: FaultPhase): boolean {
  const file = fileIn(folder);
  if (!existsSync(file) || readFileSync(file, 'utf8') !== phase) return false;
  rmSync(file);
  return true;
}

/** Dies as by `kill -9`, when the fault was armed. */
export function dieAt(folder: string, phase: FaultPhase): void {
  if (takeFault(folder, phase)) process.kill(process.pid, 'SIGKILL');
}

function fileIn(folder: string): string {
  return join(folder, 'fault');
}
