import module from 'node:module';

/**
 * Reads the code of both daemons and of the agent's threads once, into the compile cache: processes
 * that start later find it there, and none of them loads the type stripper (30 MB each).
 */
export async function warmCodeCache(): Promise<void> {
  await Promise.all([
    import('@tacit/coordinator/cli/coordinator.ts'),
    import('@tacit/client-agent/cli/agent.ts'),
    import('@tacit/client-agent/driver/loader-thread.ts'),
    import('@tacit/client-agent/driver/trainer-thread.ts'),
  ]);
  module.flushCompileCache?.();
}
