import { join } from 'node:path';

/** Where everything of a demonstration lies below its data folder. */
export function demoLayout(folder: string) {
  const federation = join(folder, 'federation');
  const coordinator = join(folder, 'coordinator');
  const operator = join(folder, 'operator');
  return {
    folder,
    /** What this folder was made for; decides whether a second start can resume. */
    stamp: join(folder, 'demo.json'),
    plan: join(folder, 'plan.yaml'),
    /** Membership key and certificate authority: in a real federation with people, not machines. */
    federation,
    manifest: join(federation, 'manifest.json'),
    coordinator,
    coordinatorConfig: join(coordinator, 'coordinator.yaml'),
    operator,
    operatorContext: join(operator, 'operator.yaml'),
    agent: (bu: string) => join(folder, 'agents', bu),
    log: (name: string) => join(folder, 'logs', `${name}.log`),
  };
}

/** See `demoLayout`. */
export type DemoLayout = ReturnType<typeof demoLayout>;
