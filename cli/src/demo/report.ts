import type { Evaluation } from '@tacit/coordinator/core/evaluation.ts';
import { oddsOf } from '@tacit/privacy/budget/odds.ts';
import { table } from '@tacit/proto/terminal/output.ts';
import type { Baselines, HeadAucs } from './baselines.ts';

/** What a learner of one unit has spent, worst population, as that unit's own ledger says. */
export interface UnitBudget {
  readonly bu: string;
  readonly epsilon: number;
  readonly delta: number;
  readonly limit: number;
}

/** Everything the last page of a demonstration tells. */
export interface DemoResult {
  readonly runId: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly survivorsMin: number;
  readonly units: number;
  readonly budget: readonly UnitBudget[];
  readonly evaluation: Evaluation | undefined;
  readonly global: HeadAucs;
  readonly baselines: Baselines;
  readonly coverage: Readonly<Record<string, number>>;
  readonly modelVersion: string;
  readonly dataFolder: string;
  readonly colluders: number;
}

/** The machine-readable end of a demonstration. */
export function resultData(result: DemoResult): Record<string, unknown> {
  const heads = Object.keys(result.global).map((name) => [
    name,
    {
      global: result.global[name],
      globalPrivate: result.evaluation?.heads[name]?.auc?.value ?? null,
      local: result.baselines.local[name],
      localPrivate: result.baselines.localPrivate[name],
      central: result.baselines.central[name],
    },
  ]);
  return {
    rounds: result.rounds,
    seconds: result.seconds,
    survivorsMin: result.survivorsMin,
    budget: result.budget,
    heads: Object.fromEntries(heads),
    coverage: result.coverage,
    modelVersion: result.modelVersion,
    dataFolder: result.dataFolder,
  };
}

/** The page a person reads at the end. */
export function resultText(result: DemoResult): string {
  const { dataFolder: folder } = result;
  const { bu } = result.budget[0];
  return [
    '',
    qualityTable(result),
    '',
    budgetTable(result),
    '',
    ...places(result),
    '',
    'Next:',
    `  npx tacit budget show --agent ${folder}/agents/${bu}`,
    `  npx tacit receipt verify --agent ${folder}/agents/${bu}`,
    `  npx tacit plan check ${folder}/plan.yaml --manifest ${folder}/federation/manifest.json`,
  ].join('\n');
}

function qualityTable(result: DemoResult): string {
  const rows = Object.keys(result.global).map((name) => {
    const released = result.evaluation?.heads[name]?.auc;
    const figure = (value: number) => value.toFixed(3);
    return [
      name,
      released
        ? `${figure(released.value)} +- ${figure(1.96 * released.stdDev)}`
        : 'cannot conclude',
      figure(result.global[name]),
      figure(result.baselines.local[name]),
      figure(result.baselines.localPrivate[name]),
      figure(result.baselines.central[name]),
    ];
  });
  const head = ['outcome', 'global, as released', 'global', 'local', 'local private', 'central'];
  return [
    'AUC on held-out learners',
    table([head, ...rows]),
    '  global, as released: the noised evaluation the federation itself sees, charged to the',
    '  ledgers. The other columns need all learners in one place. A real federation cannot see',
    '  them; they are computed by this demonstration: the global model exactly; each learner',
    "  scored by its own unit's model, without and with privacy; one model trained on everybody",
    '  without privacy.',
  ].join('\n');
}

function budgetTable(result: DemoResult): string {
  const { colluders } = result;
  const rows = result.budget.map(({ bu, epsilon, delta, limit }) => [
    bu,
    epsilon.toFixed(3),
    limit.toFixed(3),
    delta.toExponential(0),
    `${Math.round((result.coverage[bu] ?? 0) * 100)} %`,
  ]);
  const worst = Math.max(...result.budget.map((unit) => unit.epsilon));
  const { for: yes, against } = oddsOf(worst);
  const odds = `${yes}:${against}`;
  return [
    'Privacy spent, per learner (neighbours: that learner’s data used, or replaced by nothing)',
    table([['unit', 'epsilon', 'limit', 'delta', 'rounds joined'], ...rows]),
    `  against: whoever sees every release, helped by up to ${colluders} agents of other units`,
    `  worst unit in odds: 50:50 before becomes at most ${odds}, save with probability about delta`,
    '  learners who train pay for training, held-out learners for evaluation; nobody pays both',
  ].join('\n');
}

function places(result: DemoResult): string[] {
  const { dataFolder: folder, rounds, survivorsMin: fewest, units } = result;
  const seconds = result.seconds.toFixed(0);
  return [
    `${rounds} training rounds in ${seconds} s, at least ${fewest} of ${units} units in every sum`,
    `model     ${result.modelVersion}, signed, in ${folder}/coordinator/coordinator.db`,
    `ledgers   ${folder}/agents/<unit>/agent.db, with a receipt of every contribution that left`,
  ];
}
