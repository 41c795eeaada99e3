import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a test agent writes down of what it did and saw. Bytes are lower-case hex. */
export type AgentRecord =
  /** Integers with noise, before the mask. */
  | {
      readonly kind: 'contributed';
      readonly runId: string;
      readonly slot: number;
      readonly transcript: string;
      readonly words: string;
    }
  /** An upload began: its header hash. Written before the first byte. */
  | { readonly kind: 'uploading'; readonly hdr: string; readonly transcript: string }
  /** What the coordinator answered to an upload that a test made: a code, or `accepted`. */
  | { readonly kind: 'answered'; readonly upload: string; readonly answer: string }
  /** A RoundResult arrived. */
  | {
      readonly kind: 'released';
      readonly slot: number;
      readonly transcript: string;
      readonly survivors: readonly number[];
      readonly sum: string;
    };

/** Appends one line; it is in the file when this returns, even if the process dies next. */
export function writeRecord(folder: string, record: AgentRecord): void {
  appendFileSync(join(folder, 'record.jsonl'), `${JSON.stringify(record)}\n`);
}

/** Every record of one kind, oldest first. */
export function recordsOf<K extends AgentRecord['kind']>(
  folder: string,
  kind: K,
): Extract<AgentRecord, { kind: K }>[] {
  const file = join(folder, 'record.jsonl');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const records = lines.map((line) => JSON.parse(line) as AgentRecord);
  return records.filter((record) => record.kind === kind) as Extract<AgentRecord, { kind: K }>[];
}
