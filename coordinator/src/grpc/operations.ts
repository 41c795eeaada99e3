import type {
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { isRefusal, type Refusal, refuse } from '@tacit/privacy/refusal.ts';
import type { OperationsHandlers } from '../driver/port.ts';
import { endWith, serviceError, streamBlob } from './federation.ts';
import { callerOf, isOperator } from './identity.ts';

/** The service people call; every call needs an operator certificate. */
export function operationsImplementation(
  handlers: OperationsHandlers,
): UntypedServiceImplementation {
  const view = (value: object) => ({ json: JSON.stringify(value) });
  return {
    ProposeRun: unary(handlers, (request: ProposeRequest) => {
      const run = handlers.propose(request);
      return isRefusal(run) ? run : view(run);
    }),
    ListRuns: unary(handlers, () => ({ items: handlers.runs().map(view) })),
    ShowRun: unary(handlers, (request: { runId: string }) => {
      const run = handlers.run(request.runId);
      return isRefusal(run) ? run : view(run);
    }),
    WatchRun: (call: ServerWritableStream<{ runId: string }, { json: string }>) => {
      const refused = refusedFor(call, handlers);
      if (refused) return endWith(call, refused);
      const stop = handlers.watch(call.request.runId, (event, last) => {
        call.write(view(event));
        if (last) call.end();
      });
      if (isRefusal(stop)) return endWith(call, stop);
      call.on('cancelled', stop);
      call.on('error', stop);
    },
    ListModels: unary(handlers, (request: { runId: string }) => ({
      items: handlers.models(request.runId),
    })),
    GetBlob: (call: ServerWritableStream<{ hash: Uint8Array }, { data: Uint8Array }>) => {
      const caller = callerOf(call);
      const refused = refusedFor(call, handlers);
      if (refused) return endWith(call, refused);
      if (isRefusal(caller)) return endWith(call, caller);
      streamBlob(call, handlers.blob(caller, call.request.hash));
    },
  };
}

interface ProposeRequest {
  plan: Uint8Array;
  reason: string;
  submitToken: string;
}

function unary<Request, Answer extends object>(
  handlers: OperationsHandlers,
  body: (request: Request) => Answer | Refusal,
) {
  return (call: ServerUnaryCall<Request, Answer>, answer: sendUnaryData<Answer>): void => {
    const result = refusedFor(call, handlers) ?? body(call.request);
    if (isRefusal(result)) answer(serviceError(result));
    else answer(null, result);
  };
}

function refusedFor(
  call: Parameters<typeof callerOf>[0],
  handlers: OperationsHandlers,
): Refusal | undefined {
  const caller = callerOf(call);
  if (isRefusal(caller)) return caller;
  if (isOperator(caller, handlers.federationId)) return undefined;
  return refuse('role-refused', { identity: caller.uri, needed: 'operator' });
}
