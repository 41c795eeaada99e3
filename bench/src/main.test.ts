import { exits } from '@tacit/proto/problem.ts';
import { describe, expect, it } from 'vitest';
import { interleaved, median, minimum } from './interleaved.ts';
import { main } from './main.ts';
import type { BenchRow } from './row.ts';
import { TimedFederation } from './timed-federation.ts';
import { WireTraffic } from './wire-traffic.ts';

async function run(...args: string[]) {
  const seen = { stdout: '', stderr: '' };
  const exit = await main(args, {
    stdout: (text) => {
      seen.stdout += text;
    },
    stderr: (text) => {
      seen.stderr += text;
    },
  });
  return { ...seen, exit };
}

describe('bench', () => {
  it('prints one JSON row a line, and nothing else', async () => {
    const { stdout, exit } = await run('noise', '--json');
    expect(exit).toBe(exits.done);
    const lines = stdout.split('\n');
    expect(lines.pop()).toBe('');
    const rows = lines.map((line) => JSON.parse(line) as BenchRow);
    expect(rows.map((row) => row.case)).toEqual(['sigma = 4', 'sigma = 64', 'sigma = 2000']);
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(['bench', 'case', 'value', 'unit', 'floor', 'ratio']);
      expect(row).toMatchObject({ bench: 'noise', unit: 'ns/sample' });
      expect(row.value).toBeGreaterThan(0);
      expect(row.floor).toBeGreaterThan(0);
      expect(row.ratio).toBe(row.value / row.floor);
    }
  });

  it('prints a table with a head and a line for each row', async () => {
    const { stdout } = await run('noise');
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head!.split(/ +/)).toEqual(['noise', 'value', 'unit', 'floor', 'ratio']);
    expect(rows).toHaveLength(3);
  });

  it.each([['nosie'], ['noise', '--jsno']])('refuses %s %s before it measures', async (...args) => {
    const { stdout, stderr, exit } = await run(...args);
    expect(exit).toBe(exits.usage);
    expect(stdout).toBe('');
    expect(stderr).toContain('step|mask|noise|fold|round|accounting');
  });
});

it('leaves the warm-up out and keeps the statistic asked for', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(minimum([9, 1, 5])).toBe(1);
  const counted: number[] = [];
  const statistic = (times: readonly number[]) => counted.push(times.length);
  let runs = 0;
  interleaved([() => runs++, () => {}], { repeats: 3, warmUp: 2, statistic });
  expect(runs).toBe(5);
  expect(counted).toEqual([3, 3]);
});

it('counts one upload of at least the vector for each survivor, and none for who left', () => {
  const [n, d] = [4, 500];
  const timed = new TimedFederation({ n, d });
  const traffic = new WireTraffic(n);
  const times = timed.run({ dropout: true, watch: (delivery) => traffic.add(delivery) });
  for (const bytes of traffic.up.slice(0, 3)) {
    expect(bytes).toBeGreaterThan(4 * d);
    expect(bytes).toBeLessThan(2 * 4 * d + 10_000);
  }
  expect(traffic.up[3]).toBeLessThan(4 * d);
  expect(times.coordinator).toBeGreaterThan(times.uploads);
  expect(times.uploads).toBeGreaterThan(0);
});
