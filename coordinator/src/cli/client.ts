import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type ClientReadableStream, credentials, type ServiceError } from '@grpc/grpc-js';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import { loadChecked } from '@tacit/proto/schema/check.ts';
import { operatorContext } from '@tacit/proto/schema/config.ts';
import { messageBytesMax, operationsService } from '@tacit/proto/wire/service.ts';

/** Calls to the coordinator of an operator's context; every failure is a refusal. */
export interface OperationsClient {
  unary<Answer>(method: string, request: object): Promise<Answer | Refusal>;
  /** Calls back for each message; resolves at the end of the stream. */
  stream<Message>(
    call: { method: string; request: object },
    each: (message: Message) => void,
  ): Promise<Refusal | undefined>;
  close(): void;
}

/** Opens a client from `operator.yaml`, runs the body, closes it. */
export async function withClient<T>(
  contextFile: string,
  body: (client: OperationsClient) => Promise<T | Refusal>,
): Promise<T | Refusal> {
  const context = loadChecked(contextFile, operatorContext);
  if (isRefusal(context)) return context;
  const folder = dirname(resolve(contextFile));
  const read = (file: string) => readFileSync(resolve(folder, file));
  const { identity, coordinator } = context;
  const secure = credentials.createSsl(
    read(identity.authority),
    read(identity.key),
    read(identity.certificate),
  );
  const options = { 'grpc.max_receive_message_length': messageBytesMax };
  const stub = new operationsService.client(coordinator, secure, options);
  const client = clientOf(stub);
  try {
    return await body(client);
  } finally {
    client.close();
  }
}

function clientOf(stub: InstanceType<typeof operationsService.client>): OperationsClient {
  return {
    unary: <Answer>(method: string, request: object) =>
      new Promise<Answer | Refusal>((resolve) => {
        const deadline = Date.now() + 30_000;
        stub[method](request, { deadline }, (error: ServiceError | null, value?: Answer) =>
          resolve(error || value === undefined ? refusalOf(error) : value),
        );
      }),
    stream: <Message>(
      { method, request }: { method: string; request: object },
      each: (message: Message) => void,
    ) =>
      new Promise<Refusal | undefined>((resolve) => {
        const stream = stub[method](request) as ClientReadableStream<Message>;
        stream.on('data', each);
        stream.on('end', () => resolve(undefined));
        stream.on('error', (error: Error) => resolve(refusalOf(error as ServiceError)));
      }),
    close: () => stub.close(),
  };
}

/** The refusal a status carries, or what the status itself says. */
function refusalOf(error: ServiceError | null): Refusal {
  try {
    const value: unknown = JSON.parse(error?.details ?? '');
    if (isRefusal(value)) return value;
  } catch {
    // Not ours: the transport speaks for itself below.
  }
  const facts = { status: error?.code ?? 0, message: error?.details ?? 'no answer' };
  return refuse('coordinator-unreachable', facts);
}
