import { isRefusal, type Refusal } from '@tacit/privacy/refusal.ts';
import { createLog, untilSignalled } from '@tacit/proto/terminal/daemon.ts';
import type { Output } from '@tacit/proto/terminal/output.ts';
import { startDaemon } from '../daemon.ts';

/** `tacit coordinator`: runs until it is told to stop; exit 0 after draining on SIGTERM. */
export async function startCoordinator(config: string, output: Output): Promise<number | Refusal> {
  const running = await startDaemon(config, { log: createLog('coordinator'), now: Date.now });
  if (isRefusal(running)) return running;
  const { port } = running;
  output.data('Coordinator', { port }, `coordinator listening on port ${port}`);
  const exit = await untilSignalled();
  running.stop();
  return exit;
}
