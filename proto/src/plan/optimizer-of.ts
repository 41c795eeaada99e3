import type { OptimizerSpec } from '@tacit/models/network/optimizer.ts';
import type { AuthoredPlan } from './authored-plan.ts';

/** The server optimizer a plan asks for; its decay runs over the plan's training rounds. */
export function optimizerOf(authored: Pick<AuthoredPlan, 'training'>): OptimizerSpec {
  const { optimizer, rounds } = authored.training;
  return { ...optimizer, rounds };
}
