import { Server, ServerCredentials } from '@grpc/grpc-js';
import {
  federationService,
  messageBytesMax,
  operationsService,
} from '@tacit/proto/wire/service.ts';
import type { FederationHandlers, OperationsHandlers } from '../driver/port.ts';
import { federationImplementation } from './federation.ts';
import { operationsImplementation } from './operations.ts';

/** A listening server. */
export interface ListeningServer {
  readonly port: number;
  /** Ends open sessions and stops listening. */
  close(): void;
}

/** Starts both services with mutual TLS: a call without a certificate of ours never arrives. */
export async function listen(options: {
  host: string;
  port: number;
  tls: { keyPem: string; certificatePem: string; authorityPem: string };
  federation: FederationHandlers;
  operations: OperationsHandlers;
}): Promise<ListeningServer> {
  const server = new Server({
    'grpc.max_receive_message_length': messageBytesMax,
    // The stream of an agent that died does not always report its end; until it does, every slot
    // counts on that agent and waits for its upload.
    'grpc.keepalive_time_ms': 5_000,
    'grpc.keepalive_timeout_ms': 5_000,
  });
  server.addService(federationService.definition, federationImplementation(options.federation));
  server.addService(operationsService.definition, operationsImplementation(options.operations));
  const { keyPem, certificatePem, authorityPem } = options.tls;
  const credentials = ServerCredentials.createSsl(
    Buffer.from(authorityPem),
    [{ private_key: Buffer.from(keyPem), cert_chain: Buffer.from(certificatePem) }],
    true,
  );
  const port = await bind(server, `${options.host}:${options.port}`, credentials);
  return { port, close: () => server.forceShutdown() };
}

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (!error) return resolve(port);
      const taken = error.message.includes('EADDRINUSE');
      reject(taken ? Object.assign(error, { code: 'EADDRINUSE' }) : error);
    });
  });
}
