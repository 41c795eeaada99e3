import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureIdentity } from '@tacit/client-agent/identity/identity.ts';
import { signingRequestFor } from '@tacit/client-agent/identity/signing-request.ts';
import {
  createAuthority,
  issueFromRequest,
  issueKeyed,
  type KeyedCertificate,
  spiffe,
  type Validity,
} from '@tacit/coordinator/ca/authority.ts';
import { ed25519SeedOf, newEd25519Pem } from '@tacit/coordinator/driver/key-file.ts';
import { contractFields } from '@tacit/models/outcome/feature-contract.ts';
import { hex } from '@tacit/privacy/crypto/bytes.ts';
import { ed25519 } from '@tacit/privacy/crypto/ed25519.ts';
import { isRefusal } from '@tacit/privacy/refusal.ts';
import { manifestStatement } from '@tacit/privacy/secagg/manifest.ts';
import { contractNamed } from '@tacit/proto/plan/contract-named.ts';
import { budgetedRounds } from '@tacit/proto/plan/mechanisms.ts';
import type { CharterFile, PolicyFile } from '@tacit/proto/schema/config.ts';
import { type ManifestFile, manifestFile } from '@tacit/proto/schema/manifest-file.ts';
import { stringify } from 'yaml';
import type { DemoLayout } from './layout.ts';
import type { DemoData, DemoUnit } from './units.ts';

const federationId = 'demo';
const dayMs = 86_400_000;

/**
 * Makes a whole federation in one folder: membership key, authority, certificates, signed manifest,
 * and each unit's policy and charter. In a real one different people make these, each on their
 * own machine; the files are the same.
 */
export async function createFederation(data: DemoData, layout: DemoLayout, nowMs: number) {
  for (const folder of [layout.federation, layout.coordinator, layout.operator]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }
  const validity = { notBeforeMs: nowMs - 300_000, notAfterMs: nowMs + 365 * dayMs };
  const authority = await createAuthority(federationId, validity);
  writeKeyed(layout.federation, 'ca', authority);
  const membership = newEd25519Pem();
  writeSecret(join(layout.federation, 'membership.key'), membership);
  writeSecret(join(layout.coordinator, 'signing.key'), newEd25519Pem());
  const server = await issueKeyed({
    authority,
    uri: spiffe.coordinator(federationId),
    hosts: ['localhost', '127.0.0.1'],
    validity,
  });
  writeKeyed(layout.coordinator, 'tls', server);
  const operator = await issueKeyed({
    authority,
    uri: spiffe.operator(federationId, 'demo'),
    hosts: [],
    validity,
  });
  writeKeyed(layout.operator, 'operator', operator);
  for (const unit of data.units) await createUnit({ unit, data, layout, authority, validity });
  signManifest(data, layout, validity);
  writeFileSync(layout.plan, stringify(data.plan));
}

/** Writes the configuration files that name the port; they change from start to start. */
export function writeConfigs(units: readonly DemoUnit[], layout: DemoLayout, port: number): void {
  const address = `localhost:${port}`;
  const manifest = (up: string) => ({
    file: `${up}/federation/manifest.json`,
    signature: `${up}/federation/manifest.sig`,
    membershipKey: `${up}/federation/membership.pub`,
  });
  const coordinator = {
    listen: { host: '127.0.0.1', port },
    manifest: manifest('..'),
    tls: { key: 'tls.key', certificate: 'tls.pem', authority: '../federation/ca.pem' },
    signingKey: 'signing.key',
  };
  writeFileSync(layout.coordinatorConfig, stringify(coordinator));
  const identity = { key: 'operator.key', certificate: 'operator.pem' };
  const context = {
    coordinator: address,
    identity: { ...identity, authority: '../federation/ca.pem' },
  };
  writeFileSync(layout.operatorContext, stringify(context));
  for (const unit of units) {
    const agent = {
      agentId: agentIdOf(unit),
      coordinator: address,
      manifest: manifest('../..'),
      identity: {
        key: 'identity.key',
        certificate: 'agent.pem',
        authority: '../../federation/ca.pem',
      },
      data: unit.source,
    };
    writeFileSync(join(layout.agent(unit.bu), 'agent.yaml'), stringify(agent));
  }
}

async function createUnit(input: {
  unit: DemoUnit;
  data: DemoData;
  layout: DemoLayout;
  authority: KeyedCertificate;
  validity: Validity;
}): Promise<void> {
  const { unit, data, layout, authority, validity } = input;
  const folder = layout.agent(unit.bu);
  const identity = ensureIdentity(folder);
  const certificate = await issueFromRequest({
    authority,
    requestPem: await signingRequestFor(identity, unit.bu),
    uri: agentIdOf(unit),
    validity,
  });
  writeFileSync(join(folder, 'agent.pem'), certificate);
  writeFileSync(join(folder, 'policy.yaml'), stringify(policyOf(unit, data)));
  writeFileSync(join(folder, 'charter.yaml'), stringify(charterOf(unit, data)));
}

function policyOf(unit: DemoUnit, data: DemoData): PolicyFile {
  const { budget, purpose, model } = data.plan;
  const rounds = budgetedRounds(data.plan);
  return {
    apiVersion: 'tacit/v1',
    kind: 'Policy',
    bu: unit.bu,
    version: 1,
    accounts: {
      training: {
        epsilon: budget.epsilon,
        delta: budget.delta,
        filterOrder: budget.filterOrders.training,
      },
      evaluation: {
        epsilon: budget.evaluationEpsilon,
        delta: budget.delta,
        filterOrder: budget.filterOrders.evaluation,
      },
    },
    periodDays: 365,
    survivorsMin: 3,
    colludersMin: 1,
    modelKinds: [model.kind],
    purposes: [purpose],
    roundsMax: rounds.training + rounds.evaluation,
  };
}

function charterOf(unit: DemoUnit, data: DemoData): CharterFile {
  const contract = contractNamed(data.plan.contract);
  if (isRefusal(contract)) throw new Error(`no contract ${data.plan.contract}`);
  return {
    apiVersion: 'tacit/v1',
    kind: 'Charter',
    bu: unit.bu,
    version: 1,
    fields: contractFields(contract),
    purposes: [data.plan.purpose],
    split: data.plan.split,
    learnerField: contract.learnerField,
    rowsPerLearnerMax: contract.rowsPerLearnerMax,
    minimumGroup: 10,
  };
}

/** The membership key signs the exact bytes of the manifest; the coordinator never holds it. */
function signManifest(data: DemoData, layout: DemoLayout, validity: Validity): void {
  const coordinatorSeed = ed25519SeedOf(join(layout.coordinator, 'signing.key'));
  const agents = data.units.map((unit) => ({
    agentId: agentIdOf(unit),
    bu: unit.bu,
    organisation: unit.bu,
    identityKeyHash: hex(ensureIdentity(layout.agent(unit.bu)).publicKeyHash),
    declaredLearners: unit.declaredLearners,
  }));
  const manifest: ManifestFile = manifestFile.parse({
    apiVersion: 'tacit/v1',
    kind: 'Manifest',
    federationId,
    version: 1,
    validity: {
      notBefore: Math.floor(validity.notBeforeMs / 1000),
      notAfter: Math.floor(validity.notAfterMs / 1000),
    },
    coordinatorKeys: [hex(ed25519.publicKey(coordinatorSeed.reveal()))],
    floors: { survivorsMin: 3 },
    kem: 'ml-kem-768',
    agents: agents.sort((a, b) => (a.agentId < b.agentId ? -1 : 1)),
  });
  const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
  const seed = ed25519SeedOf(join(layout.federation, 'membership.key')).reveal();
  const signature = ed25519.sign(seed, manifestStatement(bytes));
  writeFileSync(layout.manifest, bytes);
  writeFileSync(join(layout.federation, 'manifest.sig'), `${hex(signature)}\n`);
  writeFileSync(join(layout.federation, 'membership.pub'), `${hex(ed25519.publicKey(seed))}\n`);
}

function agentIdOf(unit: DemoUnit): string {
  return spiffe.agent(federationId, unit.region, unit.bu);
}

function writeKeyed(folder: string, name: string, keyed: KeyedCertificate): void {
  writeFileSync(join(folder, `${name}.pem`), keyed.certificatePem);
  writeSecret(join(folder, `${name}.key`), keyed.privateKeyPem);
}

function writeSecret(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
}
