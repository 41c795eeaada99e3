// Entry of the agent's threads; workerData.module names what to run. Plain JavaScript: only with
// the compile cache on before the first TypeScript is read does a thread start without the type
// stripper (35 MB and 150 ms less).
import module from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

module.enableCompileCache?.();
const { run } = await import(new URL(workerData.module, import.meta.url));
await run(parentPort, workerData);
module.flushCompileCache?.();
