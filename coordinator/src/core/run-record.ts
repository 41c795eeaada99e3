import { decodeOptimizerState, encodeOptimizerState } from '@tacit/models/network/optimizer.ts';
import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { compiledPlan } from '@tacit/proto/plan/compiled-plan.ts';
import { mechanismsOf } from '@tacit/proto/plan/mechanisms.ts';
import { optimizerOf } from '@tacit/proto/plan/optimizer-of.ts';
import { scheduleOf } from '@tacit/proto/plan/schedule.ts';
import { fromJsonBytes, jsonBytes } from '@tacit/proto/store/json.ts';
import type { Run } from './run.ts';

/** The parts of a run at rest: its plan's exact bytes, where it stands, and its numbers. */
export interface RunRecord {
  readonly planBytes: Uint8Array;
  /** JSON of everything but plan, parameters and optimizer. */
  readonly state: Uint8Array;
  readonly parameters: Uint8Array;
  readonly optimizer: Uint8Array;
}

type Stored = Omit<Run, 'plan' | 'mechanisms' | 'schedule' | 'parameters' | 'optimizer'>;

/** The changing parts of a run, as stored after every round. */
export function encodeRun(run: Run): Omit<RunRecord, 'planBytes'> {
  const { plan: _plan, mechanisms: _mechanisms, schedule: _schedule, ...rest } = run;
  const { parameters, optimizer, ...stored } = rest;
  return {
    state: jsonBytes(stored satisfies Stored),
    parameters: new Uint8Array(parameters.slice().buffer),
    optimizer: encodeOptimizerState(optimizer),
  };
}

/** A run from its record; throws on a record this program did not write. */
export function decodeRun(record: RunRecord): Run {
  const plan = compiledPlan.parse(fromJsonBytes(record.planBytes));
  const stored = fromJsonBytes<Stored>(record.state);
  const mechanisms = mechanismsOf(plan);
  if (isRefusal(mechanisms)) throw new Error(`stored plan of ${plan.runId} does not compile`);
  if (hex(sha256(record.planBytes)) !== stored.planHash) {
    throw new Error(`stored plan of ${plan.runId} has another hash`);
  }
  const parameters = new Float32Array(record.parameters.slice().buffer);
  return {
    ...stored,
    plan,
    mechanisms,
    schedule: scheduleOf(plan.authored),
    parameters,
    optimizer: decodeOptimizerState({
      spec: optimizerOf(plan.authored),
      dimension: parameters.length,
      bytes: record.optimizer,
    }),
  };
}
