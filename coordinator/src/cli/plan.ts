import { dirname, join, resolve } from 'node:path';
import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { sha256 } from '@tacit/privacy/crypto/hash.ts';
import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { authoredPlan } from '@tacit/proto/plan/authored-plan.ts';
import { planBytes } from '@tacit/proto/plan/compiled-plan.ts';
import { contractNamed } from '@tacit/proto/plan/contract-named.ts';
import { mechanismsOf, rateOf } from '@tacit/proto/plan/mechanisms.ts';
import { networkOf } from '@tacit/proto/plan/network-of.ts';
import { scheduleOf } from '@tacit/proto/plan/schedule.ts';
import { loadChecked } from '@tacit/proto/schema/check.ts';
import { loadManifest } from '@tacit/proto/schema/open-manifest.ts';
import { type Output, table } from '@tacit/proto/terminal/output.ts';
import { compilePlan } from '../core/compile-plan.ts';

/**
 * `tacit plan check`: derives noise, grid and rates from the plan and the signed manifest beside it
 * (`manifest.json`, `manifest.sig`, `membership.pub`), on this machine alone.
 */
export async function checkPlan(
  options: { file: string; manifest: string },
  output: Output,
): Promise<Refusal | undefined> {
  const authored = loadChecked(options.file, authoredPlan);
  if (isRefusal(authored)) return authored;
  const file = resolve(options.manifest);
  const folder = dirname(file);
  const signature = join(folder, 'manifest.sig');
  const manifest = loadManifest(
    { file, signature, membershipKey: join(folder, 'membership.pub') },
    folder,
  );
  if (isRefusal(manifest)) return manifest;
  const contract = contractNamed(authored.contract);
  if (isRefusal(contract)) return contract;
  const plan = compilePlan({ authored, contract, manifest, runId: 'R-0' });
  if (isRefusal(plan)) return plan;
  const mechanisms = mechanismsOf(plan);
  if (isRefusal(mechanisms)) return mechanisms;
  const { training } = mechanisms;
  const participants = plan.participants.map((participant) => ({
    bu: participant.bu,
    rate: rateOf('training', participant),
    declaredLearners: participant.declaredTraining,
  }));
  const data = {
    rounds: scheduleOf(authored).length,
    parameters: networkOf(plan).dimension,
    noiseMultiplier: plan.training.noiseMultiplier,
    evaluationNoiseMultiplier: plan.evaluation.noiseMultiplier,
    noiseShareVariance: training.sigmaLocalSquared,
    survivorsMin: plan.training.survivorsMin,
    colluders: plan.training.colluders,
    guarantee: { ...authored.budget, unit: 'learner', neighbours: 'zero-out', accountant: 'rdp' },
    planBytes: planBytes(plan).length,
    planHash: hex(sha256(planBytes(plan))),
    participants,
  };
  const rows = participants.map(({ bu, rate, declaredLearners }) => [
    bu,
    rate.toFixed(4),
    String(declaredLearners),
  ]);
  const floor = `${data.survivorsMin} survivors, ${data.colluders} of them colluding`;
  const head = [
    `${authored.name}: ${data.rounds} rounds of ${data.parameters} parameters`,
    `  noise multiplier ${data.noiseMultiplier.toFixed(4)} at the floor of ${floor}`,
    `  epsilon ${authored.budget.epsilon} at delta ${authored.budget.delta} per learner (zero-out)`,
  ];
  const text = `${head.join('\n')}\n${table([['unit', 'rate', 'learners'], ...rows])}`;
  output.data('PlanCheck', data, text);
  return undefined;
}
