// A small client for AWS's JSON protocol, for the local stack's own calls of the emulators, which check no signature.
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { credentials, region } from '../identity.ts';
import { asObject, asText, isObject, type JsonObject, parseJson } from '../json.ts';

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
    const { __type, message, Message } = asObject(parseJson(answer.body));
    const type = asText(__type) ?? 'UnknownError';
    const code = type.slice(type.lastIndexOf('#') + 1);
    super(`${action}: ${code} (${answer.status}): ${asText(message) ?? asText(Message) ?? answer.body}`);
    this.code = code;
  }
}

/** Sends requests to one endpoint over keep-alive connections. */
export type AwsJsonClient = ReturnType<typeof createAwsJsonClient>;

/** `headers` replace the client's own. */
interface SendOptions {
  readonly signal?: AbortSignal;
  readonly headers?: Record<string, string>;
}

/** A client for one service at one endpoint. */
export function createAwsJsonClient(service: JsonService, endpoint: string) {
  const { target, contentType } = services[service];

  /** Sends a request and returns the answer, whatever its status. */
  const send = async (action: string, body: string, options: SendOptions = {}): Promise<RawAnswer> => {
    const headers = {
      'content-type': contentType,
      'x-amz-target': `${target}.${action}`,
      ...authorization(service),
      ...options.headers,
    };
    const sent = { method: 'POST', headers, ...(options.signal && { signal: options.signal }) };
    const answer = await exchange(endpoint, sent, body);
    return { status: answer.status, body: answer.body.toString('utf8') };
  };

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
  };
}

/** Headers that look like a signed request's; the emulators only check that they exist. */
function authorization(service: string): Record<string, string> {
  const now = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${credentials.accessKeyId}/${now.slice(0, 8)}/${region}/${service}/aws4_request`;
  return {
    authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=unsigned`,
    'x-amz-date': now,
  };
}

/** One request and its whole answer, over Node's keep-alive connections. */
export async function exchange(endpoint: string, options: RequestOptions, body: string | Buffer) {
  const answered = Promise.withResolvers<IncomingMessage>();
  request(endpoint, options, answered.resolve).on('error', answered.reject).end(body);
  const answer = await answered.promise;
  return { status: answer.statusCode ?? 502, headers: answer.headers, body: await buffer(answer) };
}
