// Hostile requests as bytes: methods, paths, headers and framing that no HTTP client would send.
import type { Random } from '../simulation/random.ts';
import { BATCHES_BY_KEY, BODY_KINDS, type HostileBody, hostileBody, randomBytes } from './bodies.ts';
import * as parts from './request-parts.ts';

/** One request, byte for byte. */
export interface HostileRequest {
  readonly kind: string;
  readonly verb: string;
  readonly bytes: Buffer;
  /** Whether the server may close the connection without an answer: the bytes are not a whole request. */
  readonly mayBeUnanswered: boolean;
}

type Maker = (random: Random) => Omit<HostileRequest, 'kind'> & { readonly kind?: string };

const SIGNATURE =
  'Authorization: AWS4-HMAC-SHA256 Credential=x/20261122/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=00';
const JSON_TYPE = 'Content-Type: application/json';
const CLOSED = ['Host: x', 'Connection: close'];
const STATUS = 'GET /v1/status HTTP/1.1';
const POST_EVENTS = 'POST /v1/events HTTP/1.1';
const NOTHING = Buffer.alloc(0);

const MAKERS: Readonly<Record<string, Maker>> = {
  body: (random) => posted(hostileBody(random)),
  origin: (random) => {
    const headers = ['Content-Type: text/plain', `Origin: ${random.pick(parts.ORIGINS)}`];
    return request(random.pick(['POST', 'OPTIONS']), '/v1/events', headers);
  },
  'admin body': (random) => {
    const paths = ['/v1/admin/counts/hostile/hostile', '/v1/status', '/v1/unknown'];
    return request('POST', random.pick(paths), [SIGNATURE, JSON_TYPE], hostileBody(random).bytes);
  },
  'broken kept connection': (random) => {
    const whole = Buffer.from(`${STATUS}\r\nHost: x\r\n\r\n`.repeat(random.between(0, 4)));
    const head = [STATUS, 'Host: x', 'Connection: keep-alive'];
    return partial('GET', head, Buffer.concat([whole, randomBytes(random, 200)]));
  },
  'content type': (random) => {
    const headers = [`Content-Type: ${random.pick(parts.TYPES)}`];
    return request('POST', '/v1/events', headers, hostileBody(random, 'truncated').bytes);
  },
  'content encoding': (random) => {
    const headers = [JSON_TYPE, `Content-Encoding: ${random.pick(parts.ENCODINGS)}`];
    const kind = random.pick(['gzip', 'compressed bomb', 'truncated']);
    return request('POST', '/v1/events', headers, hostileBody(random, kind).bytes);
  },
  path: (random) => {
    const base = random.pick(parts.BASES);
    const segments = Array.from({ length: random.between(1, 4) }, () => random.pick(parts.SEGMENTS));
    const path = `${base}/${segments.join('/')}`.replaceAll(/\s/g, '+');
    return request(random.pick(['GET', 'POST']), path, random.chance(0.5) ? [SIGNATURE] : []);
  },
  query: (random) => {
    const [verb = '', path = ''] = random.pick(parts.ROUTES.slice(1));
    const query = Array.from({ length: random.between(1, 3) }, () => random.pick(parts.QUERIES)).join('&');
    return request(verb, `${path.split('?')[0]}?${query}`, [SIGNATURE]);
  },
  'request target': (random) => request('GET', random.pick(parts.TARGETS)),
  verb: (random) => request(random.pick(parts.VERBS), random.pick(parts.ROUTES)[1] ?? ''),
  'many headers': (random) => {
    const length = random.pick([100, 2_500, 20_000]);
    const headers = Array.from({ length }, (_, at) => `X-H${at}: ${at}`);
    return request('GET', '/v1/status', headers);
  },
  'long header': (random) => {
    const length = random.pick([9_000, 12_000, 100_000, 2_000_000]);
    return request('GET', '/v1/status', [`X-Long: ${'x'.repeat(length)}`]);
  },
  'strange header': (random) => {
    const path = random.pick(['/v1/status', '/v1/events']);
    return request(random.pick(['GET', 'POST']), path, [random.pick(parts.HEADERS)]);
  },
  'conflicting lengths': (random) => {
    const head = [POST_EVENTS, ...CLOSED, JSON_TYPE, ...random.pick(parts.LENGTHS)];
    return partial('POST', head, Buffer.from('{"events":[]}'));
  },
  chunked: (random) => {
    const head = [POST_EVENTS, ...CLOSED, JSON_TYPE, 'Transfer-Encoding: chunked'];
    return partial('POST', head, Buffer.from(random.pick(parts.CHUNKS)));
  },
  'not http': (random) =>
    partial('GET', [random.pick(parts.FIRST_LINES)], randomBytes(random, random.between(0, 49))),
  'without host': () => raw('GET', [STATUS, 'Connection: close'], NOTHING),
  'several at once': (random) => {
    const { bytes } = hostileBody(random, 'truncated');
    const smuggled = Buffer.from([STATUS, ...CLOSED, '', ''].join('\r\n'));
    const head = [POST_EVENTS, 'Host: x', JSON_TYPE, `Content-Length: ${bytes.length}`];
    return raw('POST', head, Buffer.concat([bytes, smuggled]));
  },
};

/** The kinds of requests. */
const REQUEST_KINDS: readonly string[] = Object.keys(MAKERS);

/** A request of the given kind, or of any kind; bodies more often than others. */
export function hostileRequest(random: Random, wanted?: string): HostileRequest {
  const kind = wanted ?? (random.chance(0.4) ? 'body' : random.pick(REQUEST_KINDS));
  const maker = MAKERS[kind];
  if (maker === undefined) throw new RangeError(`there is no request of the kind ${kind}`);
  return { kind, ...maker(random) };
}

/** One request of every kind, one for every kind of body, and one for every batch key. */
export function* everyRequest(random: Random): Generator<HostileRequest> {
  for (const kind of REQUEST_KINDS) yield hostileRequest(random, kind);
  for (const kind of BODY_KINDS) yield posted(hostileBody(random, kind));
  for (const body of BATCHES_BY_KEY) yield posted(body);
}

function posted({ kind, bytes }: HostileBody): HostileRequest {
  return { kind: `body: ${kind}`, ...request('POST', '/v1/events', [JSON_TYPE], bytes) };
}

/** A request with correct framing. */
export function request(verb: string, path: string, headers: readonly string[] = [], body?: Buffer) {
  const bytes = body ?? (verb === 'POST' ? Buffer.from('{}') : NOTHING);
  const length = body !== undefined || verb === 'POST' ? [`Content-Length: ${bytes.length}`] : [];
  const first = [`${verb} ${path} HTTP/1.1`, 'Host: hostile.example', 'Connection: close'];
  return raw(verb, [...first, ...length, ...headers], bytes);
}

/** A request that the server may leave unanswered. */
function partial(verb: string, head: readonly string[], body: Buffer) {
  return { ...raw(verb, head, body), mayBeUnanswered: true };
}

function raw(verb: string, head: readonly string[], body: Buffer) {
  const bytes = Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'utf8'), body]);
  return { verb, bytes, mayBeUnanswered: false };
}
