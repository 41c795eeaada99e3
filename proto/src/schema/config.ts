import { z } from 'zod';

const port = z.int().min(0).max(65_535);
const hostPort = z.string().regex(/^[^\s:]+:\d{1,5}$/, 'host:port');
const file = z.string().min(1);

/** Agents forget a slot after this long, milliseconds; a coordinator's waits must fit into it. */
const slotLifeDefaultMs = 900_000;

/** Where the learner data of a business unit lies. Paths are relative to the agent folder. */
const dataSource = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('csv'),
    file,
    delimiter: z.enum([',', ';', '\t']).optional(),
    encoding: z.enum(['utf-8', 'windows-1252']).optional(),
  }),
  z.strictObject({ kind: z.literal('oulad'), folder: file }),
]);

/** Who signed the manifest: file, detached signature (hex), membership public key (raw, hex). */
const manifestSource = z.strictObject({ file, signature: file, membershipKey: file });

/** `agent.yaml`. Paths are relative to the folder the file lies in. */
export const agentConfig = z.strictObject({
  agentId: z.string().regex(/^spiffe:\/\//),
  coordinator: hostPort,
  manifest: manifestSource,
  identity: z.strictObject({ key: file, certificate: file, authority: file }),
  data: dataSource,
  policy: file.default('policy.yaml'),
  charter: file.default('charter.yaml'),
  store: file.default('agent.db'),
  /** Waits between attempts to reach the coordinator, milliseconds. */
  reconnectMs: z
    .strictObject({
      first: z.int().min(50).max(60_000).default(200),
      most: z.int().min(100).max(600_000).default(5_000),
    })
    .prefault({}),
  /** How long an agent keeps the keys of a slot that does not end, milliseconds. */
  slotLifeMs: z.int().min(60_000).max(7_200_000).default(slotLifeDefaultMs),
  backend: z.enum(['auto', 'native', 'wasm', 'cpu']).default('auto'),
});

/** See `agentConfig`. */
export type AgentConfig = z.infer<typeof agentConfig>;

/** `coordinator.yaml`. Paths are relative to the folder the file lies in. */
export const coordinatorConfig = z.strictObject({
  listen: z.strictObject({ host: z.string().default('127.0.0.1'), port: port.default(8443) }),
  manifest: manifestSource,
  tls: z.strictObject({ key: file, certificate: file, authority: file }),
  /** Ed25519 key that signs protocol messages and model versions (PKCS #8 PEM). */
  signingKey: file,
  store: file.default('coordinator.db'),
  deadlinesMs: z
    .strictObject({
      setup: z.int().min(100).max(600_000).default(10_000),
      upload: z.int().min(100).max(slotLifeDefaultMs).default(30_000),
      survivors: z.int().min(100).max(600_000).default(10_000),
      reveal: z.int().min(100).max(600_000).default(10_000),
    })
    .refine(
      (waits) => waits.upload + waits.survivors + waits.reveal <= slotLifeDefaultMs,
      `upload, survivors and reveal together at most ${slotLifeDefaultMs}: agents forget then`,
    )
    .prefault({}),
});

/** See `coordinatorConfig`. */
export type CoordinatorConfig = z.infer<typeof coordinatorConfig>;

const account = z.strictObject({
  epsilon: z.number().gt(0).max(100),
  delta: z.number().gt(0).max(0.001),
  /** The one Renyi order at which this account's filter decides, fixed when it is opened. */
  filterOrder: z.number().gt(1.04).max(1024),
});

/** `policy.yaml`: the unit's own ceilings. The agent applies the stricter of this and the plan. */
export const policyFile = z.strictObject({
  apiVersion: z.literal('tacit/v1'),
  kind: z.literal('Policy'),
  bu: z.string().min(1),
  version: z.int().min(1),
  accounts: z.strictObject({ training: account, evaluation: account }),
  /** Fewest survivors and fewest tolerated colluders this unit accepts. */
  survivorsMin: z.int().min(3),
  colludersMin: z.int().min(1),
  modelKinds: z.array(z.string()).min(1),
  purposes: z.array(z.string()).min(1),
  roundsMax: z.int().min(1),
  /** Length of one budget period; the accounts are opened anew at its end. */
  periodDays: z.int().min(1).max(3660).default(365),
});

/** See `policyFile`. */
export type PolicyFile = z.infer<typeof policyFile>;

/** `charter.yaml`: which fields may be read, for what, and how learners are split for ever. */
export const charterFile = z.strictObject({
  apiVersion: z.literal('tacit/v1'),
  kind: z.literal('Charter'),
  bu: z.string().min(1),
  version: z.int().min(1),
  fields: z.array(z.string()).min(1),
  purposes: z.array(z.string()).min(1),
  split: z.strictObject({
    salt: z.string().min(1),
    trainPercent: z.int().min(1).max(99),
  }),
  /** The one field that names the learner, the privacy unit; a plan cannot choose another. */
  learnerField: z.string().min(1),
  rowsPerLearnerMax: z.int().min(1).max(6),
  minimumGroup: z.int().min(1).default(10),
});

/** See `charterFile`. */
export type CharterFile = z.infer<typeof charterFile>;

/** `operator.yaml`: which coordinator a person's command line talks to, and as whom. */
export const operatorContext = z.strictObject({
  coordinator: hostPort,
  identity: z.strictObject({ key: file, certificate: file, authority: file }),
});
