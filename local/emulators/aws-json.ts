// A small client for AWS's JSON protocol, for the local stack's own calls of the emulators, which check no signature.
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { credentials, region } from '../identity.ts';
import { asText, isObject, type JsonObject, parseJson } from '../json.ts';

/** Services with the JSON protocol, and their version names in X-Amz-Target. */
const services = {
  dynamodb: { target: 'DynamoDB_20120810', contentType: 'application/x-amz-json-1.0' },
  kinesis: { target: 'Kinesis_20131202', contentType: 'application/x-amz-json-1.1' },
  sqs: { target: 'AmazonSQS', contentType: 'application/x-amz-json-1.0' },
  ssm: { target: 'AmazonSSM', contentType: 'application/x-amz-json-1.1' },
} as const;

/** A service with the JSON protocol. */
export type JsonService = keyof typeof services;

/** Whether a name is a service with the JSON protocol. */
export function isJsonService(name: string): name is JsonService {
  return Object.hasOwn(services, name);
}

/** A service's answer, or a fault's in its place, which may have headers. */
export interface RawAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A service's error: `code` is AWS's error type without its prefix. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: string;

  constructor(action: string, answer: RawAnswer) {
    const body = parseJson(answer.body);
    const type = (isObject(body) && asText(body['__type'])) || 'UnknownError';
    const message = (isObject(body) && (asText(body['message']) ?? asText(body['Message']))) || answer.body;
    const code = type.slice(type.lastIndexOf('#') + 1);
    super(`${action}: ${code} (${answer.status}): ${message}`);
    this.code = code;
  }
}

/** Sends requests to one endpoint over keep-alive connections. */
export type AwsJsonClient = ReturnType<typeof createAwsJsonClient>;

/** `headers` replace the client's own. */
interface SendOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly headers?: Record<string, string>;
}

/** A client for one service at one endpoint. */
export function createAwsJsonClient(service: JsonService, endpoint: string) {
  const agent = new Agent({ keepAlive: true });
  const { target, contentType } = services[service];
  const { hostname, port } = new URL(endpoint);

  /** Sends a request and returns the answer, whatever its status. */
  const send = (action: string, body: string, options: SendOptions = {}) =>
    new Promise<RawAnswer>((resolve, reject) => {
      const outgoing = request(
        {
          agent,
          hostname,
          port,
          method: 'POST',
          path: '/',
          headers: {
            'content-type': contentType,
            'content-length': Buffer.byteLength(body),
            'x-amz-target': `${target}.${action}`,
            ...authorization(service),
            ...options.headers,
          },
          ...(options.signal && { signal: options.signal }),
          ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs }),
        },
        (incoming) => {
          text(incoming).then((body) => resolve({ status: incoming.statusCode ?? 0, body }), reject);
        },
      );
      outgoing.once('timeout', () => outgoing.destroy(new Error(`${service} ${action}: no answer in time`)));
      outgoing.once('error', reject);
      outgoing.end(body);
    });

  return {
    send,
    /** Sends a request and returns the parsed answer. @throws ServiceError for any status but 200 */
    call: async (action: string, input: JsonObject, options?: SendOptions): Promise<JsonObject> => {
      const answer = await send(action, JSON.stringify(input), options);
      if (answer.status !== 200) throw new ServiceError(action, answer);
      const body = answer.body === '' ? {} : parseJson(answer.body);
      if (!isObject(body)) throw new ServiceError(action, answer);
      return body;
    },
    close: (): void => agent.destroy(),
  };
}

/** Headers that look like a signed request's; the emulators only check that they exist. */
export function authorization(service: string): Record<string, string> {
  const now = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${credentials.accessKeyId}/${now.slice(0, 8)}/${region}/${service}/aws4_request`;
  return {
    authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=unsigned`,
    'x-amz-date': now,
  };
}
