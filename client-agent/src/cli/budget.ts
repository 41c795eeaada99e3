import { replay } from '@tacit/privacy/budget/chain.ts';
import { oddsOf } from '@tacit/privacy/budget/odds.ts';
import { position } from '@tacit/privacy/budget/position.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { type Output, table } from '@tacit/proto/terminal/output.ts';
import { ledgerLines } from '../core/ledger-book.ts';
import { withStore } from './store-of.ts';

/** Where one account of a business unit stands, as its own ledger says. */
export interface AccountView {
  readonly account: string;
  readonly population: string;
  readonly bu: string;
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
  readonly left: number;
  readonly delta: number;
  readonly unit: 'learner';
  readonly neighbours: 'zero-out';
  readonly accountant: 'rdp';
  readonly filterOrder: number;
  readonly adversary: string;
  readonly charges: number;
}

/** `tacit budget show`: spent, set aside and left, read from the agent's own ledger. */
export async function showBudget(folder: string, output: Output): Promise<Refusal | undefined> {
  const accounts = accountsIn(folder);
  if (isRefusal(accounts)) return accounts;
  const rows = accounts.map((view) => [
    view.account,
    view.spent.toFixed(4),
    view.reserved.toFixed(4),
    view.left.toFixed(4),
    view.limit.toFixed(4),
    String(view.delta),
    odds(view.limit),
  ]);
  const head = ['account', 'spent', 'set aside', 'left', 'limit', 'delta', 'odds at the limit'];
  const adversary = accounts[0]?.adversary ?? '';
  const below = `epsilon per learner (data used or left out), against: ${adversary}`;
  output.data('Budget', { items: accounts }, `${table([head, ...rows])}\n${below}`);
  return undefined;
}

/** Every account in an agent's ledger; the chain is verified and replayed first. */
export function accountsIn(folder: string): AccountView[] | Refusal {
  return withStore(folder, ({ tables }) => {
    const state = replay(ledgerLines(tables.entries('ledger')));
    if (isRefusal(state)) return state;
    const views: AccountView[] = [];
    for (const open of state.accounts.values()) {
      const at = position(state, open.account);
      if (isRefusal(at)) return at;
      const own = [...state.reservations.values()].filter((r) => r.entry.account === open.account);
      views.push({
        account: open.account,
        population: open.population,
        bu: open.bu,
        limit: open.epsilon,
        spent: at.spent.epsilon,
        reserved: at.reserved.epsilon,
        left: at.left.epsilon,
        delta: open.delta,
        unit: open.unit,
        neighbours: 'zero-out',
        accountant: 'rdp',
        filterOrder: open.filterOrder,
        adversary: open.adversary,
        charges: own.reduce((count, reservation) => count + reservation.charges.size, 0),
      });
    }
    return views;
  });
}

function odds(epsilon: number): string {
  const { for: yes, against } = oddsOf(epsilon);
  return `${yes}:${against}`;
}
