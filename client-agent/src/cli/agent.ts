import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { createLog, untilSignalled } from '@tacit/proto/terminal/daemon.ts';
import type { Output } from '@tacit/proto/terminal/output.ts';
import { startDaemon } from '../daemon.ts';

/** `tacit agent`: runs until it is told to stop, or until its store can no longer be trusted. */
export async function startAgent(config: string, output: Output): Promise<number | Refusal> {
  const running = await startDaemon(config, { log: createLog('agent'), now: Date.now });
  if (isRefusal(running)) return running;
  output.data('Agent', { config }, `agent started from ${config}`);
  const exit = await Promise.race([untilSignalled(), running.ended]);
  await running.stop();
  return exit;
}
