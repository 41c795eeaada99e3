import { styleText } from 'node:util';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { exits, problemOf, problems } from '../problem.ts';

/** How a command talks: data on stdout, everything else on stderr (PRODUCT.md section 5). */
export interface Output {
  readonly json: boolean;
  /** One result: the envelope as one JSON line, or the text a person reads. */
  data(kind: string, data: unknown, text: string): void;
  /** One element of a stream of results. */
  item(kind: string, data: unknown, text: string): void;
  /** Progress and remarks, never data. */
  note(text: string): void;
  /** Prints the refusal in the coat asked for and gives the exit code. */
  refusal(refusal: Refusal): number;
}

/** Streams as the process has them, or as a test replaces them. */
export interface Streams {
  stdout: (text: string) => void;
  stderr: (text: string) => void;
}

const processStreams: Streams = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
};

/** The output of one command. `quiet` drops notes. */
export function createOutput(
  options: { json?: boolean; quiet?: boolean },
  streams: Streams = processStreams,
): Output {
  const json = options.json === true;
  const print = (kind: string, data: unknown, text: string) =>
    streams.stdout(json ? `${envelope(kind, data)}\n` : `${text}\n`);
  return {
    json,
    data: print,
    item: print,
    note: (text) => {
      if (!options.quiet) streams.stderr(`${text}\n`);
    },
    refusal: (refusal) => {
      const problem = problemOf(refusal);
      streams.stderr(json ? `${envelope('Problem', problemView(refusal))}\n` : sentence(refusal));
      return problem.exit;
    },
  };
}

/** The JSON envelope of every machine-readable answer. */
export function envelope(kind: string, data: unknown): string {
  return JSON.stringify({ apiVersion: 'tacit/v1', kind, data });
}

/** A refusal as data: code, facts, exit and the next step. */
export function problemView(refusal: Refusal): Record<string, unknown> {
  const { exit, retryable, sentence, next } = problemOf(refusal);
  return { code: refusal.refused, facts: refusal.facts, exit, retryable, sentence, next };
}

/** Turns what a command's body returns or throws into an exit code, and prints a refusal. */
export async function finish(output: Output, body: () => Promise<Refusal | number | undefined>) {
  try {
    const ended = await body();
    if (isRefusal(ended)) return output.refusal(ended);
    return ended ?? exits.done;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return output.refusal({ refused: codeOf(error), facts: { message } });
  }
}

/** Pads columns; the first row is the head. Numbers are right-aligned. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => (cells[column] ?? '').length)),
  );
  const numeric = (text: string) => /^[-+]?[\d.,%]+$/.test(text);
  return rows
    .map((cells) =>
      cells
        .map((cell, column) =>
          numeric(cell) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function sentence(refusal: Refusal): string {
  const problem = problemOf(refusal);
  const facts = Object.entries(refusal.facts)
    .map(
      ([name, value]) =>
        `  ${name.padEnd(12)} ${Array.isArray(value) ? value.join(', ') : value}\n`,
    )
    .join('');
  const code = style('red', `error[${refusal.refused}]`);
  return `${code}: ${problem.sentence}\n${facts}  ${'next'.padEnd(12)} ${problem.next}\n`;
}

function style(colour: 'red', text: string): string {
  return process.stderr.isTTY && !process.env.NO_COLOR ? styleText(colour, text) : text;
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && problems[code]) return code;
  if (code === 'EADDRINUSE') return 'port-in-use';
  if (code === 'ENOSPC' || code === 'ERR_SQLITE_ERROR') return 'store-failed';
  if (code === 14) return 'coordinator-unreachable';
  return 'internal';
}
