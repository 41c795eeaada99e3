import { parseArgs } from 'node:util';
import { exits } from '@tacit/proto/problem.ts';
import { type Streams, table } from '@tacit/proto/terminal/output.ts';
import { accountingBench } from './accounting.ts';
import { foldBench } from './fold.ts';
import { maskBench } from './mask.ts';
import { noiseBench } from './noise.ts';
import { roundBench } from './round.ts';
import { type BenchName, type BenchRow, benchNames } from './row.ts';
import { stepBench } from './step.ts';

/**
 * `bench [name...] [--json]`: runs the named benches, all of them when none is named, and prints
 * one table each; as JSON, one row a line and nothing else on stdout. Gives the exit code.
 */
export async function main(args: readonly string[], streams: Streams): Promise<number> {
  const asked = commandOf(args);
  if (typeof asked === 'string') {
    streams.stderr(`error[usage]: ${asked}\n  next   bench [${benchNames.join('|')}] [--json]\n`);
    return exits.usage;
  }
  for (const name of asked.names) {
    streams.stderr(`${name} ...\n`);
    const rows = await BENCHES[name]();
    const lines = rows.map((row) => JSON.stringify(row)).join('\n');
    streams.stdout(asked.json ? `${lines}\n` : `${tableOf(name, rows)}\n\n`);
  }
  return exits.done;
}

const BENCHES: Readonly<Record<BenchName, () => BenchRow[] | Promise<BenchRow[]>>> = {
  step: stepBench,
  mask: maskBench,
  noise: noiseBench,
  fold: foldBench,
  round: roundBench,
  accounting: accountingBench,
};

function commandOf(args: readonly string[]): { names: BenchName[]; json: boolean } | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const unknown = positionals.find((name) => !(benchNames as readonly string[]).includes(name));
    if (unknown !== undefined) return `no bench ${unknown}`;
    const names = benchNames.filter(
      (name) => positionals.length === 0 || positionals.includes(name),
    );
    return { names, json: values.json };
  } catch (error) {
    return (error as Error).message;
  }
}

function tableOf(name: BenchName, rows: readonly BenchRow[]): string {
  const cells = rows.map(({ case: what, value, unit, floor, ratio }) => {
    return [what, figure(value), unit, figure(floor), ratio.toFixed(2)];
  });
  return table([[name, 'value', 'unit', 'floor', 'ratio'], ...cells]);
}

/** Three significant digits, whole numbers as they are. */
function figure(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(value)));
  return value.toFixed(digits);
}

if (import.meta.main) {
  process.exitCode = await main(process.argv.slice(2), {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  });
}
