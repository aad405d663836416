// The local API Gateway alone: services and functions are answered by the test.
import { after } from 'node:test';
import { createApi } from '../../../local/api-gateway/api.ts';
import { startApiServer } from '../../../local/api-gateway/server.ts';
import { createAwsJsonClient, type JsonService, type RawAnswer } from '../../../local/emulators/aws-json.ts';
import type { ServiceCall } from '../../../local/emulators/fault-proxy.ts';
import type { Functions } from '../../../local/functions/functions.ts';
import type { InvocationOutcome } from '../../../local/functions/protocol.ts';
import type { Json } from '../../../local/json.ts';
import { readTemplate } from '../../../local/template/template.ts';

/** What is behind the API. */
export interface Behind {
  /** Answers service calls; undefined lets a call go to a closed port. */
  service?: (call: ServiceCall) => RawAnswer | undefined;
  /** Answers invocations of any function. */
  function?: (event: unknown) => Promise<InvocationOutcome>;
}

/** Starts the API of a template and gives its URL; stopped after the file's tests. */
export async function startTestApi(
  template: Json,
  behind: Behind,
): Promise<{ url: string; problems: string[] }> {
  const problems: string[] = [];
  const invoke = (event: unknown) =>
    behind.function?.(event) ?? Promise.resolve({ ok: true as const, payload: '{"statusCode":200}' });
  const functions: Functions = {
    all: [],
    find: () => ({
      invoke,
      warm: () => {},
      kill: async () => {},
      stop: async () => {},
      definition: {
        name: 'f',
        arn: 'f',
        entry: '',
        timeoutMs: 1_000,
        memoryMb: 128,
        concurrencyMax: 1,
        environment: {},
      },
    }),
    stop: async () => {},
  };
  // Port 9 (discard) is closed.
  const closed = (service: JsonService) => createAwsJsonClient(service, 'http://127.0.0.1:9');
  const api = createApi(readTemplate(template, { queueEndpoint: 'http://127.0.0.1:9' }), {
    functions,
    clients: {
      dynamodb: closed('dynamodb'),
      kinesis: closed('kinesis'),
      sqs: closed('sqs'),
      ssm: closed('ssm'),
    },
    fault: () => (call) => behind.service?.(call) ?? 'pass',
    report: (message) => problems.push(message),
  });
  const server = await startApiServer(api, 0, false);
  after(() => server.stop(0));
  return { url: server.url, problems };
}
