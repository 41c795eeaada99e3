import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import { codedRefusal } from '@tacit/client-agent/driver/driver.ts';
import {
  createAuthority,
  issueKeyed,
  type KeyedCertificate,
} from '@tacit/coordinator/ca/authority.ts';
import { exits } from '@tacit/proto/problem.ts';
import { federationService, operationsService } from '@tacit/proto/wire/service.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, storeOf } from './testing/cluster.ts';
import { releasedSums } from './testing/exact-sum.ts';
import { armFault } from './testing/fault.ts';
import { makeFederation, smallPlan } from './testing/federation.ts';
import { spentBy } from './testing/ledger.ts';
import { limitedCommand, testAgentCommand } from './testing/process.ts';
import { recordsOf } from './testing/record.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = new Cluster(await makeFederation({ uploadMs: 8_000 }), { agents: 'test' });
  await cluster.connectAll();
}, 120_000);

afterAll(() => cluster?.stop());

it('wrong, second and late uploads get a code, and sums stay exact (D-26, D-35)', async () => {
  const [bu] = cluster.federation.units;
  armFault(cluster.folder(bu), 'abuse');
  const run = await cluster.completed(await cluster.propose(smallPlan('abused', 2)));
  const answers = recordsOf(cluster.folder(bu), 'answered');
  expect(Object.fromEntries(answers.map(({ upload, answer }) => [upload, answer]))).toEqual({
    'no vector': 'upload-malformed',
    'a word short': 'upload-malformed',
    'a word long': 'upload-malformed',
    'another vector': 'upload-malformed',
    'garbage header': 'upload-malformed',
    'another type': 'upload-invalid',
    'another signature': 'upload-invalid',
    right: 'accepted',
    late: 'upload-late',
  });
  expect(run).toMatchObject({ round: 3, survivorsMin: 5 });
  for (const sum of releasedSums(cluster, run.runId)) expect(sum.released).toEqual(sum.expected);
  const { charges } = spentBy(storeOf(cluster, bu));
  expect(charges.length).toBe(3);
}, 120_000);

it('an agent whose disk is full stops with store-failed and can come back (D-28)', async () => {
  const [, bu] = cluster.federation.units;
  await cluster.agents.get(bu)?.stop();
  const limited = (config: string) => limitedCommand(128, testAgentCommand(config));
  const agent = await cluster.connectAgent(bu, limited);
  const runId = await cluster.propose(smallPlan('disk-full', 6));
  expect(await agent.ended).toEqual({ code: exits.unavailable, signal: null });
  expect(agent.printed()).toContain('error[store-failed]');
  await cluster.completed(runId);
  const charged = spentBy(storeOf(cluster, bu)).charges.map((charge) => charge.entry.hdr);
  for (const { hdr } of recordsOf(cluster.folder(bu), 'uploading')) expect(charged).toContain(hdr);

  await cluster.connectAgent(bu);
  const next = await cluster.completed(await cluster.propose(smallPlan('disk-freed', 2)));
  expect(next.coverage[bu]).toBe(1);
  for (const id of [runId, next.runId]) {
    for (const sum of releasedSums(cluster, id)) expect(sum.released).toEqual(sum.expected);
  }
}, 120_000);

describe('a certificate', () => {
  const validity = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const issue = (authority: KeyedCertificate, uri: string) =>
    issueKeyed({ authority, uri, hosts: [], validity });

  it('of another authority ends in the TLS handshake', async () => {
    const stranger = await createAuthority('demo', validity);
    const answer = await openSession(await issue(stranger, firstAgentId()));
    expect(answer).toMatch(/^status 14/);
  });

  it('of this authority for a name outside the manifest: identity-unknown', async () => {
    const answer = await openSession(
      await issue(ownAuthority(), 'spiffe://demo/region/test/bu/nobody'),
    );
    expect(answer).toBe('identity-unknown');
  });

  it('of this authority for a listed name with another key: identity-unknown', async () => {
    expect(await openSession(await issue(ownAuthority(), firstAgentId()))).toBe('identity-unknown');
  });

  it('of an agent opens its own session and no operation of an operator', async () => {
    const folder = cluster.folder(cluster.federation.units[0]);
    const own = {
      certificatePem: readFileSync(join(folder, 'agent.pem'), 'utf8'),
      privateKeyPem: readFileSync(join(folder, 'identity.key'), 'utf8'),
    };
    const client = new operationsService.client(target(), secured(own));
    const answer = await new Promise<ServiceError>((done) => client.ListRuns({}, done));
    expect(codedRefusal(answer)?.refused).toBe('role-refused');
    client.close();
  });
});

it('after all of this the coordinator is the process it was, and a run completes', async () => {
  expect(cluster.coordinator.running).toBe(true);
  const run = await cluster.completed(await cluster.propose(smallPlan('afterwards', 1)));
  expect(run.survivorsMin).toBe(5);
}, 120_000);

/** Opens a session with a certificate; gives the code of the refusal, or the status. */
async function openSession(keyed: KeyedCertificate): Promise<string> {
  const client = new federationService.client(target(), secured(keyed));
  const stream = client.Session();
  const answer = await new Promise<string>((done) => {
    stream.on('metadata', () => done('opened'));
    stream.on('error', (error: ServiceError) =>
      done(codedRefusal(error)?.refused ?? `status ${error.code} ${error.details}`),
    );
  });
  client.close();
  return answer;
}

function secured({ certificatePem, privateKeyPem }: KeyedCertificate) {
  const ca = readFileSync(join(cluster.federation.layout.federation, 'ca.pem'));
  return credentials.createSsl(ca, Buffer.from(privateKeyPem), Buffer.from(certificatePem));
}

function ownAuthority(): KeyedCertificate {
  const { federation } = cluster.federation.layout;
  return {
    certificatePem: readFileSync(join(federation, 'ca.pem'), 'utf8'),
    privateKeyPem: readFileSync(join(federation, 'ca.key'), 'utf8'),
  };
}

function firstAgentId(): string {
  return `spiffe://demo/region/test/bu/${cluster.federation.units[0]}`;
}

function target(): string {
  return `localhost:${cluster.federation.port}`;
}
