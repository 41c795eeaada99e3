import { dirname } from 'node:path';
import { startDaemon } from '@tacit/client-agent/daemon.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { createLog, untilSignalled } from '@tacit/proto/terminal/daemon.ts';
import { createOutput, finish } from '@tacit/proto/terminal/output.ts';
import { faultyLink } from './faulty-link.ts';
import { knownTrainer } from './known-trainer.ts';

// An agent as `tacit agent` starts it, but with a trainer whose vectors a test can recompute, and a
// link that records what passes and dies where a test asks for it.

const config = process.argv[2];
const folder = dirname(config);

process.exitCode = await finish(createOutput({}), async () => {
  const running = await startDaemon(config, {
    log: createLog('agent'),
    now: Date.now,
    createTrainer: () => knownTrainer(folder),
    openLink: (options) => faultyLink(folder, options),
  });
  if (isRefusal(running)) return running;
  const exit = await Promise.race([untilSignalled(), running.ended]);
  await running.stop();
  return exit;
});
process.exit();
