import { describe } from '@tacit/coordinator/cli/run.ts';
import type { RunEvent } from '@tacit/coordinator/core/effect.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import type { Output } from '@tacit/proto/terminal/output.ts';
import type { UnitBudget } from './report.ts';

const barWidth = 30;

/**
 * What a person sees while a run goes on: one moving line on a terminal, else a line for every
 * tenth of the rounds; and a line for each evaluation, with what every unit has spent by then.
 */
export class Progress {
  readonly #output: Output;
  readonly #budgets: () => readonly UnitBudget[] | Refusal;
  readonly #live: boolean;
  #lastTenth = -1;
  #drawn = false;

  constructor(output: Output, budgets: () => readonly UnitBudget[] | Refusal) {
    this.#output = output;
    this.#budgets = budgets;
    this.#live = process.stderr.isTTY === true && !output.json;
  }

  show(event: RunEvent): void {
    if (event.type === 'round') {
      this.#round(event);
      return;
    }
    this.#clear();
    this.#output.note(describe(event));
    if (event.type === 'evaluation') this.#spent();
  }

  done(): void {
    this.#clear();
  }

  #round(event: Extract<RunEvent, { type: 'round' }>): void {
    const done = event.record.round + 1;
    if (this.#live) {
      const filled = Math.round((barWidth * done) / event.of);
      const bar = '#'.repeat(filled).padEnd(barWidth, '.');
      process.stderr.write(`\r\u001b[K[${bar}] ${describe(event)}`);
      this.#drawn = true;
      return;
    }
    const tenth = Math.floor((10 * done) / event.of);
    if (tenth === this.#lastTenth) return;
    this.#lastTenth = tenth;
    this.#output.note(describe(event));
  }

  #spent(): void {
    const budgets = this.#budgets();
    if (isRefusal(budgets)) return;
    const each = budgets.map(({ bu, epsilon }) => `${bu} ${epsilon.toFixed(2)}`);
    this.#output.note(`  epsilon spent per learner: ${each.join(', ')}`);
  }

  #clear(): void {
    if (this.#drawn) process.stderr.write('\r\u001b[K');
    this.#drawn = false;
  }
}
