import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { agentConfigOf, editYaml, type TestFederation } from './federation.ts';

/** Ends TLS between one agent and the coordinator and keeps what passes, in clear. */
export interface Wiretap {
  /** Every byte an agent sent so far. */
  sent(): Buffer;
  /** Every byte it received. */
  received(): Buffer;
  close(): void;
}

/**
 * Puts itself between an agent and the coordinator, with the keys of both. The agent's
 * configuration is changed to call the tap; neither end notices.
 */
export async function tap(federation: TestFederation, bu: string): Promise<Wiretap> {
  const { layout, port } = federation;
  const read = (...path: string[]) => readFileSync(join(...path));
  const ca = read(layout.federation, 'ca.pem');
  const http2 = { ca, ALPNProtocols: ['h2'] };
  const coordinator = {
    key: read(layout.coordinator, 'tls.key'),
    cert: read(layout.coordinator, 'tls.pem'),
  };
  const agent = {
    key: read(layout.agent(bu), 'identity.key'),
    cert: read(layout.agent(bu), 'agent.pem'),
  };
  const sent: Buffer[] = [];
  const received: Buffer[] = [];
  const open = new Set<TLSSocket>();
  const server = createServer({ ...http2, ...coordinator, requestCert: true }, (inner) => {
    const outer = connect({ ...http2, ...agent, host: 'localhost', port });
    for (const [from, to, kept] of [
      [inner, outer, sent],
      [outer, inner, received],
    ] as const) {
      open.add(from);
      from.on('data', (bytes) => kept.push(bytes));
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const own = (server.address() as { port: number }).port;
  editYaml(agentConfigOf(layout, bu), (yaml) => ({ ...yaml, coordinator: `localhost:${own}` }));
  return {
    sent: () => Buffer.concat(sent),
    received: () => Buffer.concat(received),
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
