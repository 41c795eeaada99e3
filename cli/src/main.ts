import { refuse } from '@tacit/privacy/refusal.ts';
import { exits } from '@tacit/proto/problem.ts';
import { createOutput, finish, type Output } from '@tacit/proto/terminal/output.ts';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

/**
 * The grammar of `tacit`: nouns first. A noun's code is loaded when it is called, so that an
 * agent's host needs no coordinator code and a command starts fast. Gives the process exit code.
 */
export async function main(args: readonly string[]): Promise<number> {
  // A reader that closes the pipe (`| head`) has seen enough: not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exits.done);
    throw error;
  });
  let exit: number = exits.done;
  const run: Run = async (options, body) => {
    const output = createOutput(options);
    exit = await finish(output, () => body(output));
  };
  const program = base('tacit', 'one model across business units, under a provable privacy budget');
  program.version('tacit 0.1.0');
  for (const add of [demo, warm, coordinator, agent, plan, runs, budget, models, receipts]) {
    add(program, run);
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exits.done;
    if (!args.includes('--json')) return exits.usage;
    return createOutput({ json: true }).refusal(refuse('usage', { reason: error.message }));
  }
  return exit;
}

type Flags = Record<string, unknown> & { json?: boolean; quiet?: boolean };
type Body = (output: Output) => Promise<Awaited<ReturnType<Parameters<typeof finish>[1]>>>;
type Run = (options: Flags, body: Body) => Promise<void>;

function base(name: string, description: string): Command {
  return new Command(name).description(description).exitOverride().showSuggestionAfterError(true);
}

function verb(parent: Command, usage: string, description: string): Command {
  const command = parent.command(usage).description(description).exitOverride();
  return command
    .option('--json', 'print JSON, one envelope a line')
    .option('--quiet', 'no progress on stderr');
}

function noun(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).exitOverride();
}

function demo(program: Command, run: Run): void {
  verb(
    program,
    'demo',
    'the main job on this machine: a federation of processes, trained and judged',
  )
    .option(
      '--data <kind=folder>',
      'learners to use, oulad=FOLDER; built-in synthetic ones if left out',
    )
    .option('--folder <folder>', 'where keys, ledgers and models are kept', 'tacit-data')
    .option(
      '--port <port>',
      'port of the coordinator on loopback; 0 takes a free one',
      wholeNumber,
      0,
    )
    .addOption(new Option('--fresh', 'start over in an emptied folder').conflicts('resume'))
    .addOption(new Option('--resume', 'go on with the run in the folder (the default)'))
    .action((options: Flags) =>
      run(options, async (output) => {
        const { runDemo } = await import('./demo/demo.ts');
        return runDemo(
          {
            data: options.data as string | undefined,
            folder: options.folder as string,
            port: options.port as number,
            fresh: options.fresh === true,
          },
          output,
        );
      }),
    );
}

function warm(program: Command, run: Run): void {
  const hidden = { hidden: true };
  const command = program
    .command('warm', hidden)
    .description('read all code into the compile cache');
  command.exitOverride().action(() =>
    run({}, async () => {
      const { warmCodeCache } = await import('./warm.ts');
      await warmCodeCache();
      return undefined;
    }),
  );
}

function coordinator(program: Command, run: Run): void {
  verb(program, 'coordinator', 'start the coordinator')
    .requiredOption('--config <file>', 'coordinator.yaml')
    .action((options: Flags) =>
      run(options, async (output) => {
        const { startCoordinator } = await import('@tacit/coordinator/cli/coordinator.ts');
        return startCoordinator(options.config as string, output);
      }),
    );
}

function agent(program: Command, run: Run): void {
  verb(program, 'agent', 'start the agent of one business unit')
    .requiredOption('--config <file>', 'agent.yaml')
    .action((options: Flags) =>
      run(options, async (output) => {
        const { startAgent } = await import('@tacit/client-agent/cli/agent.ts');
        return startAgent(options.config as string, output);
      }),
    );
}

function plan(program: Command, run: Run): void {
  const plans = noun(program, 'plan', 'check a plan before anybody runs it');
  verb(plans, 'check <plan>', 'derive noise, rates and epsilon per business unit; nothing is sent')
    .requiredOption('--manifest <file>', 'the signed manifest of the federation')
    .action((file: string, options: Flags) =>
      run(options, async (output) => {
        const { checkPlan } = await import('@tacit/coordinator/cli/plan.ts');
        return checkPlan({ file, manifest: options.manifest as string }, output);
      }),
    );
}

function runs(program: Command, run: Run): void {
  const nouns = noun(program, 'run', 'propose and follow runs');
  const load = () => import('@tacit/coordinator/cli/run.ts');
  context(verb(nouns, 'propose <plan>', 'propose a plan as a run'))
    .option('--reason <text>', 'why, kept with the run', '')
    .option('--submit-token <token>', 'the same token returns the same run', '')
    .action((file: string, options: Flags) =>
      run(options, async (output) =>
        (await load()).proposeRun(
          {
            context: options.context as string,
            file,
            reason: options.reason as string,
            submitToken: options.submitToken as string,
          },
          output,
        ),
      ),
    );
  context(verb(nouns, 'list', 'every run of this coordinator')).action((options: Flags) =>
    run(options, async (output) => (await load()).listRuns(options.context as string, output)),
  );
  context(verb(nouns, 'show <run>', 'one run: state, rounds, coverage, evaluations')).action(
    (runId: string, options: Flags) =>
      run(options, async (output) =>
        (await load()).showRun({ context: options.context as string, runId }, output),
      ),
  );
  context(verb(nouns, 'watch <run>', 'follow a run until it ends')).action(
    (runId: string, options: Flags) =>
      run(options, async (output) =>
        (await load()).watchRun({ context: options.context as string, runId }, output),
      ),
  );
}

function budget(program: Command, run: Run): void {
  const budgets = noun(program, 'budget', "a business unit's budget, read from its own ledger");
  agentFolder(verb(budgets, 'show', 'spent, set aside and left, per account')).action(
    (options: Flags) =>
      run(options, async (output) => {
        const { showBudget } = await import('@tacit/client-agent/cli/budget.ts');
        return showBudget(options.agent as string, output);
      }),
  );
}

function models(program: Command, run: Run): void {
  const nouns = noun(program, 'model', 'signed model versions');
  const load = () => import('@tacit/coordinator/cli/model.ts');
  context(verb(nouns, 'list', 'versions, newest last'))
    .option('--run <run>', 'only versions of this run', '')
    .action((options: Flags) =>
      run(options, async (output) =>
        (await load()).listModels(
          { context: options.context as string, runId: options.run as string },
          output,
        ),
      ),
    );
  context(verb(nouns, 'show <version>', 'the record of one version, RUN@NUMBER')).action(
    (version: string, options: Flags) =>
      run(options, async (output) =>
        (await load()).showModel({ context: options.context as string, version }, output),
      ),
  );
  context(verb(nouns, 'export <version>', 'write one version, RUN@NUMBER, to a file or folder'))
    .addOption(
      new Option('--format <format>', 'format')
        .choices(['safetensors', 'tfjs'])
        .default('safetensors'),
    )
    .requiredOption('-o, --output <path>', 'file (safetensors) or folder (tfjs)')
    .action((version: string, options: Flags) =>
      run(options, async (output) =>
        (await load()).exportModel(
          {
            context: options.context as string,
            version,
            format: options.format as 'safetensors' | 'tfjs',
            path: options.output as string,
          },
          output,
        ),
      ),
    );
}

function receipts(program: Command, run: Run): void {
  const nouns = noun(
    program,
    'receipt',
    'what left this business unit, contribution by contribution',
  );
  const load = () => import('@tacit/client-agent/cli/receipt.ts');
  agentFolder(verb(nouns, 'list', 'every contribution that left')).action((options: Flags) =>
    run(options, async (output) => (await load()).listReceipts(options.agent as string, output)),
  );
  agentFolder(verb(nouns, 'show <receipt>', 'one receipt')).action((id: string, options: Flags) =>
    run(options, async (output) =>
      (await load()).showReceipt({ folder: options.agent as string, id }, output),
    ),
  );
  agentFolder(verb(nouns, 'verify', 'check every receipt against ledger and signatures')).action(
    (options: Flags) =>
      run(options, async (output) =>
        (await load()).verifyReceipts(options.agent as string, output),
      ),
  );
}

function context(command: Command): Command {
  return command.addOption(
    new Option('--context <file>', 'operator.yaml: which coordinator, which certificate')
      .env('TACIT_CONTEXT')
      .default('tacit-data/operator/operator.yaml'),
  );
}

function agentFolder(command: Command): Command {
  return command.addOption(
    new Option('--agent <folder>', "the agent's folder").env('TACIT_AGENT').makeOptionMandatory(),
  );
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) {
    throw new InvalidArgumentError(`"${text}" is not a port from 0 to 65535.`);
  }
  return value;
}
