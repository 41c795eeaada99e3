import type { Refusal } from '@tacit/privacy/refusal.ts';

/**
 * One row per refusal code: the gRPC status and process exit it maps to, whether trying again later
 * can help, and the next step in words. The code is the contract; sentences may change (PRODUCT.md
 * section 5).
 */
export interface ProblemKind {
  readonly grpcStatus: number;
  readonly exit: number;
  readonly retryable: boolean;
  readonly sentence: string;
  readonly next: string;
}

/** Process exit codes of every command. */
export const exits = {
  done: 0,
  failed: 1,
  usage: 2,
  configuration: 3,
  notFound: 4,
  notAllowed: 5,
  refused: 6,
  unavailable: 7,
  verification: 8,
  conflict: 9,
  interrupted: 130,
} as const;

const grpc = {
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

type Family = Pick<ProblemKind, 'grpcStatus' | 'exit' | 'retryable'>;
const usage: Family = { grpcStatus: grpc.invalidArgument, exit: exits.usage, retryable: false };
const config: Family = {
  grpcStatus: grpc.invalidArgument,
  exit: exits.configuration,
  retryable: false,
};
const missing: Family = { grpcStatus: grpc.notFound, exit: exits.notFound, retryable: false };
const denied: Family = {
  grpcStatus: grpc.permissionDenied,
  exit: exits.notAllowed,
  retryable: false,
};
const policy: Family = {
  grpcStatus: grpc.failedPrecondition,
  exit: exits.refused,
  retryable: false,
};
const away: Family = { grpcStatus: grpc.unavailable, exit: exits.unavailable, retryable: true };
const broken: Family = { grpcStatus: grpc.dataLoss, exit: exits.verification, retryable: false };
const conflict: Family = { grpcStatus: grpc.aborted, exit: exits.conflict, retryable: false };

function row(family: Family, sentence: string, next: string): ProblemKind {
  return { ...family, sentence, next };
}

/** The table of every code Tacit answers with. */
export const problems: Readonly<Record<string, ProblemKind>> = {
  usage: row(usage, 'the command line was not understood', 'tacit --help'),
  'config-invalid': row(config, 'a configuration value was refused', 'correct the named key'),
  'config-unknown-key': row(config, 'a key is not known', 'remove or correct the named key'),
  'config-missing': row(config, 'a configuration file is missing', 'create the named file'),
  'demo-folder': row(
    conflict,
    'the folder holds a demonstration of other data',
    'name another --folder, or start over with --fresh',
  ),
  'process-ended': row(
    { grpcStatus: grpc.aborted, exit: exits.failed, retryable: false },
    'a process of the demonstration ended by itself',
    'read the named log',
  ),
  'run-failed': row(policy, 'the run did not complete', 'tacit run show'),
  'port-in-use': row(away, 'the port is taken', 'choose another with --port'),
  'run-unknown': row(missing, 'no such run', 'tacit run list'),
  'model-unknown': row(missing, 'no such model version', 'tacit model list'),
  'receipt-unknown': row(missing, 'no such receipt', 'tacit receipt list'),
  'blob-unknown': row(missing, 'no bytes with this hash', 'ask for a hash named by a run'),
  'run-exists': row(conflict, 'this submit token already made a run', 'tacit run show'),
  'identity-unknown': row(
    denied,
    'the certificate names no agent of the manifest',
    'the holder of the membership key adds it and signs the next manifest',
  ),
  'role-refused': row(denied, 'this certificate may not call this', 'use an operator certificate'),
  'manifest-unsigned': row(
    broken,
    'the manifest does not verify under the membership key',
    'get the manifest signed by the holder of the membership key',
  ),
  'manifest-not-listed': row(
    policy,
    'this agent is in no signed manifest; it cannot join a run',
    'the holder of the membership key adds it and signs the next manifest',
  ),
  'policy-missing': row(
    policy,
    'this business unit has no policy file, so no run is admitted',
    'write policy.yaml in the agent folder',
  ),
  'charter-missing': row(
    policy,
    'this business unit has no data charter, so no run is admitted',
    'write charter.yaml in the agent folder',
  ),
  'plan-invalid': row(config, 'the plan was refused', 'correct the named field'),
  'plan-impossible': row(
    policy,
    'no noise satisfies this plan',
    'lower the rounds or the rate, or ask for a larger budget',
  ),
  'charter-feature': row(
    policy,
    'the charter does not open a field the plan asks for',
    'drop the field from the plan, or have the charter changed',
  ),
  'charter-learner': row(
    policy,
    'the plan names another field as the learner than the charter',
    "use the charter's learner field",
  ),
  'charter-split': row(
    policy,
    'the plan splits learners otherwise than the charter',
    'use its split',
  ),
  'purpose-refused': row(policy, 'the purpose is not in policy and charter', 'change the purpose'),
  'model-kind-refused': row(policy, 'the policy does not admit this model kind', 'choose another'),
  'budget-insufficient': row(
    policy,
    'the run does not fit what is left of the budget',
    'lower rounds or rate, or ask the privacy officer for budget',
  ),
  'budget-order-too-low': row(
    policy,
    'the filter order is too low for this epsilon and delta; it could never admit anything',
    'use a higher filter order (16 to 64 for epsilon below 1)',
  ),
  'budget-unset': row(policy, 'this business unit has no budget; it cannot train', 'open one'),
  frozen: row(policy, 'this business unit has frozen its budget', 'the officer may unfreeze'),
  'delta-large': row(
    policy,
    'delta is too large for the number of learners',
    'use a smaller delta',
  ),
  'survivors-impossible': row(
    { ...policy, retryable: true },
    'too few agents are online for this manifest',
    'wait for more agents',
  ),
  'survivors-below-floor': row(
    { ...policy, retryable: true },
    'too few survivors; nothing was unmasked',
    'the round is tried again with fresh noise while attempts last',
  ),
  'upload-malformed': row(
    usage,
    'an upload was not as announced and was dropped whole',
    'send again',
  ),
  'upload-invalid': row(usage, 'an upload did not fit its slot or its signature', 'see the log'),
  'upload-late': row(conflict, 'the slot was closed before this upload was complete', 'next slot'),
  'upload-duplicate': row(conflict, 'this slot has an upload of this agent already', 'nothing'),
  'coordinator-unreachable': row(
    away,
    'the coordinator does not answer',
    'check the address and that tacit coordinator runs; agents try again by themselves',
  ),
  'store-failed': row(
    away,
    'the store could not write; nothing was released',
    'free space or repair the disk, then start again',
  ),
  'csv-missing': row(config, 'a data file is missing', 'put the named file in the data folder'),
  'csv-malformed': row(config, 'a data file is malformed', 'correct the named row'),
  'store-locked': row(
    conflict,
    'another process has this store; two on one ledger would overwrite charges',
    'stop the other process',
  ),
  'store-missing': row(missing, 'the agent has no store yet', 'start the agent once'),
  'receipt-mismatch': row(broken, 'a receipt does not match its bytes', 'keep both and ask'),
  'ledger-mismatch': row(
    policy,
    'this ledger lost lines that the coordinator has seen; it grants nothing more',
    'restore the ledger, or have an officer write the difference off',
  ),
  'ledger-broken': row(broken, 'the ledger chain does not verify', 'restore the ledger'),
  'model-unverified': row(broken, 'a model version does not verify', 'nothing was swapped'),
  interrupted: row(
    { grpcStatus: grpc.aborted, exit: exits.interrupted, retryable: true },
    'interrupted',
    'run the command again; it resumes',
  ),
  internal: row(
    { grpcStatus: grpc.internal, exit: exits.failed, retryable: false },
    'an error inside the program',
    'report it with the log',
  ),
};

/** The row of a refusal's code; an unlisted code of a known family reads as that family. */
export function problemOf(refusal: Refusal): ProblemKind {
  const exact = problems[refusal.refused];
  if (exact) return exact;
  const family = refusal.refused.split('-')[0];
  const base = { csv: config, plan: config, config, charter: policy, policy, budget: policy }[
    family
  ];
  return row(base ?? policy, refusal.refused.replaceAll('-', ' '), 'see the facts above');
}
