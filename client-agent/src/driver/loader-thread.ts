import type { MessagePort } from 'node:worker_threads';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { buffersOf, type LearnerDataSpec, loadLearnerData } from './learner-data.ts';

/**
 * Reads a business unit's learners and hands the arrays over. Reading text leaves several times its
 * size in garbage; a thread that ends gives all of it back.
 */
export function run(port: MessagePort, { spec }: { spec: LearnerDataSpec }): void {
  const data = loadLearnerData(spec);
  port.postMessage(data, isRefusal(data) ? [] : buffersOf(data));
}
